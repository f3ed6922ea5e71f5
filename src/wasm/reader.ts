import { AmpouleError } from '../errors.ts'

/** Raises the one error of these passes; `at` is the byte offset in the input module. */
export function invalid(what: string, at: number): never {
  throw new AmpouleError('InvalidModule', `${what} at byte ${at}`)
}

/** The same bytes, never shared: what is checked must be what is used. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(bytes)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** A cursor over untrusted bytes: every read is checked against `end`, every failure is `AmpouleError('InvalidModule')`. */
export class Reader {
  readonly bytes: Uint8Array
  pos: number
  end: number
  /** The largest type index met in a heap type; whoever knows the number of types checks it. */
  largestType = -1

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = bytes
    this.pos = pos
    this.end = end
  }

  byte(): number {
    if (this.pos >= this.end) invalid('unexpected end', this.pos)
    return this.bytes[this.pos++]!
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const start = this.pos
    let result = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      if (shift === 28 && byte > 0x0f) invalid('integer too large', start)
      result += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return result
    }
    return invalid('integer too long', start)
  }

  /** Unsigned LEB128 of at most 64 bits; beyond 2^53 the result is `Number.MAX_SAFE_INTEGER` (limits of that size mean "no limit"). */
  u64(): number {
    const start = this.pos
    let result = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte()
      if (shift === 63 && byte > 1) invalid('integer too large', start)
      result += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return Math.min(result, Number.MAX_SAFE_INTEGER)
    }
    return invalid('integer too long', start)
  }

  /** Signed LEB128 of at most 33 bits: heap types and block types. */
  s33(): number {
    const start = this.pos
    let result = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      result += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (shift === 28 && (byte & 0x70) !== 0 && (byte & 0x70) !== 0x70) invalid('integer too large', start)
        return (byte & 0x40) === 0 ? result : result - 2 ** (shift + 7)
      }
    }
    return invalid('integer too long', start)
  }

  /** Walks over a LEB128 whose value does not matter here; its last bits are left to the engine's own validation. */
  skipLeb(maxBytes: number): void {
    const start = this.pos
    for (let i = 0; i < maxBytes; i++) if (this.byte() < 0x80) return
    invalid('integer too long', start)
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.pos) invalid('unexpected end', this.pos)
    this.pos += bytes
  }

  /** The length of a vector whose elements take at least `minBytes` each: a count that cannot fit is refused before anything is allocated. */
  count(minBytes = 1): number {
    const start = this.pos
    const count = this.u32()
    if (count * minBytes > this.end - this.pos) invalid(`count of ${count} is larger than what follows`, start)
    return count
  }

  name(): string {
    const start = this.pos
    const length = this.u32()
    const from = this.pos
    this.skip(length)
    try {
      return decoder.decode(this.bytes.subarray(from, this.pos))
    } catch {
      return invalid('name is not UTF-8', start)
    }
  }
}
