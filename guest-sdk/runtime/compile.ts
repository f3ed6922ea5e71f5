/** How many objects and functions are looked at: a bundle's exports lead to hundreds of them, not to millions. */
const MOST = 10_000

/**
 * Has the engine compile the functions that an author's exports lead to. StarlingMonkey compiles a function when it is first called, which
 * after a restore is in every invocation anew; asking for a function's `length` has it compile the function without running any of it.
 * Getters are looked at, not called.
 */
export function compileReachable(root: unknown): void {
  const seen = new Set<unknown>()
  const queue = [root]
  for (let at = 0; at < queue.length && seen.size < MOST; at++) {
    const value = queue[at]
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue
    seen.add(value)
    const properties = Object.getOwnPropertyDescriptors(value)
    for (const key of Reflect.ownKeys(properties)) {
      const { value: next, get, set } = properties[key as string]!
      queue.push(next, get, set)
    }
    queue.push(Object.getPrototypeOf(value))
  }
}
