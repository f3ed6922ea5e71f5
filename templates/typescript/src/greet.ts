export function greet(name: string | null, greeting = 'Hello'): string {
  return `${greeting}, ${name ?? 'world'}!`
}
