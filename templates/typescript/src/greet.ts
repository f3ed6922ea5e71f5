export function greet(greeting = 'Hello', name: string | null): string {
  return `${greeting}, ${name ?? 'world'}!`
}
