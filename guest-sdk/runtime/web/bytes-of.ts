/** What the standards call a buffer source. */
export type Bytes = ArrayBufferLike | ArrayBufferView

/** A view of the same bytes. Throws a `TypeError` for anything else. */
export function toBytes(source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  if (source instanceof ArrayBuffer || isShared(source)) return new Uint8Array(source)
  throw new TypeError('the value is no ArrayBuffer and no view of one')
}

export const isBytes = (value: unknown): value is Bytes =>
  value instanceof ArrayBuffer || ArrayBuffer.isView(value) || isShared(value)

const isShared = (value: unknown): value is SharedArrayBuffer =>
  typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer

export function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
