/** ECMA-262 2026, 23.1.2.1, over the Promise that is global. */
export async function arrayFromAsync<T, R = Awaited<T>>(
  items: AsyncIterable<T> | Iterable<T | PromiseLike<T>> | ArrayLike<T | PromiseLike<T>>,
  map?: (value: Awaited<T>, index: number) => R,
): Promise<R[]> {
  const result: unknown[] = []
  const source = Symbol.asyncIterator in items || Symbol.iterator in items ? items : Array.from(items)
  for await (const item of source) result.push(map === undefined ? item : await map(item, result.length))
  return result as R[]
}
