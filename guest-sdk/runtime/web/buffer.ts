/** Node's Buffer, by unenv, with what the engine does natively done natively: in an interpreter its loops cost a hundred times as much. */
import { Buffer } from 'unenv/node/internal/buffer/buffer'
import { utf8DecodeLossy, utf8Encode } from '../bytes.ts'

const { prototype } = Buffer
const slowToString: (encoding?: string, start?: number, end?: number) => string = prototype.toString
const library = Buffer as unknown as typeof globalThis.Buffer
const slowFrom: (...args: unknown[]) => Uint8Array = library.from.bind(library) as never

const latin1 = (bytes: Uint8Array): string => atob(bytes.toBase64())

function toString(this: Uint8Array, encoding: string | undefined = 'utf8', start?: number, end?: number): string {
  const bytes = new Uint8Array(this.buffer, this.byteOffset, this.byteLength)
  if (start !== undefined || end !== undefined) return slowToString.call(this, encoding, start, end)
  switch (encoding.toLowerCase()) {
    case 'utf8':
    case 'utf-8':
      return utf8DecodeLossy(bytes)
    case 'base64':
      return bytes.toBase64()
    case 'base64url':
      return bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
    case 'hex':
      return bytes.toHex()
    case 'latin1':
    case 'binary':
      return latin1(bytes)
    default:
      return slowToString.call(this, encoding)
  }
}

/** Bytes that nobody else has become a Buffer as the library makes one. */
const wrap = (bytes: Uint8Array): Uint8Array => Object.setPrototypeOf(bytes, prototype) as Uint8Array

function from(value: unknown, encoding?: unknown, length?: unknown): Uint8Array {
  if (typeof value === 'string') {
    const name = encoding === undefined ? 'utf8' : String(encoding).toLowerCase()
    if (name === 'utf8' || name === 'utf-8') return wrap(utf8Encode(value))
    try {
      if (name === 'base64') return wrap(Uint8Array.fromBase64(value))
      if (name === 'hex') return wrap(Uint8Array.fromHex(value))
    } catch {
      // Node takes what is no strict base64 and stops at what is no hex.
    }
  }
  return slowFrom(value, encoding, length)
}

/** The library's searches take Buffers only, where Node takes any Uint8Array. */
for (const name of ['indexOf', 'lastIndexOf', 'includes'] as const) {
  const slow = prototype[name] as (this: Uint8Array, value: unknown, ...more: unknown[]) => unknown
  const search = function (this: Uint8Array, value: unknown, ...more: unknown[]): unknown {
    const known = value instanceof Uint8Array && !library.isBuffer(value) ? wrap(value.subarray()) : value
    return slow.call(this, known, ...more)
  }
  Object.defineProperty(prototype, name, { value: search, writable: true, configurable: true })
}

Object.defineProperty(prototype, 'toString', { value: toString, writable: true, configurable: true })
Object.defineProperty(Buffer, 'from', { value: from, writable: true, configurable: true })

export { Buffer }
