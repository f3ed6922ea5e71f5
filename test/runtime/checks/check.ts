/** What a guest of either engine is asked. It throws, or rejects, where the engine does not do as the standard says. */
export interface Check {
  /** As docs/runtime.md names it. */
  readonly name: string
  readonly run: () => unknown
}

/** Compared as JSON: the checks run where no test library does. */
export function same(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`${found} instead of ${wanted}`)
}

export function ok(condition: unknown, what: string): void {
  if (condition !== true) throw new Error(`not so: ${what}`)
}

/** `run` has to throw or reject with an error of that name; gives its message. */
export async function fails(name: string, run: () => unknown): Promise<string> {
  let caught: unknown
  try {
    await run()
  } catch (error) {
    caught = error
  }
  if (!(caught instanceof Error)) throw new Error(`nothing was thrown instead of ${name}`)
  same(caught.name, name)
  return caught.message
}

export const text = (bytes: ArrayBuffer | Uint8Array): string => new TextDecoder().decode(bytes)

export const hex = (bytes: ArrayBuffer): string => new Uint8Array(bytes).toHex()

/** Streams Standard 4.2.2, which lib.dom does not declare. */
export const streamOf = <T>(source: Iterable<T> | AsyncIterable<T>): ReadableStream<T> =>
  (ReadableStream as typeof ReadableStream & { from(source: Iterable<T> | AsyncIterable<T>): ReadableStream<T> }).from(source)
