export const REQUIRED_MAJOR: number
export const NODE_FLAGS: readonly string[]
export function findNode(): string
export function runNode(
  args: readonly string[],
  options?: { readonly cwd?: string; readonly env?: Record<string, string> },
): Promise<number>
