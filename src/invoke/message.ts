import { Packr, Unpackr } from 'msgpackr'

/** Deeper nesting is refused before anything is decoded: the decoder recurses, and 200 KB of nesting overflow its stack. */
export const MAX_DEPTH = 64
/** Values in one message: six megabytes of empty maps would otherwise become hundreds of megabytes of objects. */
export const MAX_VALUES = 1_000_000

/** A byte string from a guest that is not the MessagePack that docs/events.md allows. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

// Options that keep the wire free of records, shared structures and extension types in both directions.
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

export const encodeMessage = (value: unknown): Uint8Array => packr.pack(value)

/** Decodes what a guest sent, after all of it was checked. Throws `MalformedMessage`. */
export function decodeMessage(bytes: Uint8Array): unknown {
  const reader = new MessageReader(bytes)
  reader.skip()
  reader.end()
  return unpackr.unpack(bytes)
}

/**
 * Reads MessagePack value by value, trusting nothing: lengths are compared with what is left before they are used, nothing
 * recurses, and extension types, the unused code 0xc1 and keys that are not strings are refused (ISOLATION.md 17).
 * Source: the MessagePack specification, "Formats".
 */
export class MessageReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The number of entries of the map that comes next. */
  map(): number {
    const code = this.#byte()
    if (code >= 0x80 && code <= 0x8f) return this.#atMost(code & 0x0f, 2)
    if (code === 0xde) return this.#atMost(this.#unsigned(2), 2)
    if (code === 0xdf) return this.#atMost(this.#unsigned(4), 2)
    throw this.#unexpected('a map', code)
  }

  array(): number {
    const code = this.#byte()
    if (code >= 0x90 && code <= 0x9f) return this.#atMost(code & 0x0f, 1)
    if (code === 0xdc) return this.#atMost(this.#unsigned(2), 1)
    if (code === 0xdd) return this.#atMost(this.#unsigned(4), 1)
    throw this.#unexpected('an array', code)
  }

  string(): string {
    return this.text().toString('utf8')
  }

  /** The bytes of a string, not copied. */
  text(): Buffer {
    const code = this.#byte()
    const length = this.#stringLength(code)
    if (length === undefined) throw this.#unexpected('a string', code)
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** The key that comes next, as its place among `names`, or -1 for any other: no string is made of it. */
  key(names: readonly Uint8Array[]): number {
    const code = this.#byte()
    const length = this.#stringLength(code)
    if (length === undefined) throw this.#unexpected('a string as key', code)
    const start = this.#take(length)
    for (let place = 0; place < names.length; place++) {
      const name = names[place]
      if (name?.length !== length) continue
      let same = 0
      while (same < length && this.#bytes[start + same] === name[same]) same++
      if (same === length) return place
    }
    return -1
  }

  /** A number of any of the number formats; 64-bit integers beyond 2^53 lose precision. */
  number(): number {
    const code = this.#byte()
    if (code <= 0x7f) return code
    if (code >= 0xe0) return code - 0x100
    if (code >= 0xca && code <= 0xd3) {
      const size = NUMBER_SIZES[code - 0xca] ?? 0
      const start = this.#take(size)
      const bytes = this.#bytes
      if (code === 0xca) return bytes.readFloatBE(start)
      if (code === 0xcb) return bytes.readDoubleBE(start)
      if (code === 0xcf) return Number(bytes.readBigUInt64BE(start))
      if (code === 0xd3) return Number(bytes.readBigInt64BE(start))
      return code < 0xd0 ? bytes.readUIntBE(start, size) : bytes.readIntBE(start, size)
    }
    throw this.#unexpected('a number', code)
  }

  /** The bytes of a binary or a string (as UTF-8), not copied; null for nil. */
  content(): Uint8Array | null {
    const code = this.#byte()
    if (code === 0xc0) return null
    const length = this.#stringLength(code) ?? this.#binaryLength(code)
    if (length === undefined) throw this.#unexpected('a binary, a string or nil', code)
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Passes over one value of any kind, checking all of it. */
  skip(): void {
    let values = 0
    // Per open container: how many values are still to come, and whether every second one of them is a key.
    const left: number[] = [1]
    const keyed: boolean[] = [false]
    while (left.length > 0) {
      const top = left.length - 1
      const remaining = left[top] ?? 0
      if (remaining === 0) {
        left.pop()
        keyed.pop()
        continue
      }
      left[top] = remaining - 1
      if (++values > MAX_VALUES) throw new MalformedMessage(`more than ${MAX_VALUES} values`)
      const code = this.#peek()
      const isKey = keyed[top] === true && remaining % 2 === 0
      if (isKey && this.#kind(code) !== 'string') throw this.#unexpected('a string as key', code)
      const entries = this.#pass(code)
      if (entries === 0) continue
      if (left.length > MAX_DEPTH) throw new MalformedMessage(`nested deeper than ${MAX_DEPTH}`)
      left.push(entries)
      keyed.push(this.#kind(code) === 'map')
    }
  }

  /** Throws unless all bytes have been read. */
  end(): void {
    const rest = this.#bytes.length - this.#at
    if (rest !== 0) throw new MalformedMessage(`${rest} bytes after the end of the message`)
  }

  /** Passes a scalar, or a container's head; gives the number of values that follow. */
  #pass(code: number): number {
    switch (this.#kind(code)) {
      case 'map':
        return this.map() * 2
      case 'array':
        return this.array()
      case 'number':
        this.number()
        return 0
      case 'string':
      case 'binary':
        this.content()
        return 0
      case 'constant':
        this.#at++
        return 0
      default:
        throw this.#unexpected('a value without extension types', code)
    }
  }

  #kind(code: number): 'map' | 'array' | 'string' | 'binary' | 'number' | 'constant' | undefined {
    if (code <= 0x7f || code >= 0xe0 || (code >= 0xca && code <= 0xd3)) return 'number'
    if (code <= 0x8f || code === 0xde || code === 0xdf) return 'map'
    if (code <= 0x9f || code === 0xdc || code === 0xdd) return 'array'
    if (code <= 0xbf || (code >= 0xd9 && code <= 0xdb)) return 'string'
    if (code >= 0xc4 && code <= 0xc6) return 'binary'
    if (code === 0xc0 || code === 0xc2 || code === 0xc3) return 'constant'
    return undefined
  }

  #stringLength(code: number): number | undefined {
    if (code >= 0xa0 && code <= 0xbf) return code & 0x1f
    return code >= 0xd9 && code <= 0xdb ? this.#unsigned(1 << (code - 0xd9)) : undefined
  }

  #binaryLength(code: number): number | undefined {
    return code >= 0xc4 && code <= 0xc6 ? this.#unsigned(1 << (code - 0xc4)) : undefined
  }

  #peek(): number {
    const code = this.#bytes[this.#at]
    if (code === undefined) throw new MalformedMessage('ends too early')
    return code
  }

  #byte(): number {
    const code = this.#peek()
    this.#at++
    return code
  }

  #unsigned(size: number): number {
    return this.#bytes.readUIntBE(this.#take(size), size)
  }

  /** Where the next `length` bytes start; moves behind them. */
  #take(length: number): number {
    const start = this.#at
    if (length > this.#bytes.length - start) throw new MalformedMessage('ends too early')
    this.#at = start + length
    return start
  }

  /** Every entry takes at least a byte (a map's: two), so a larger count is a lie whatever follows. */
  #atMost(entries: number, bytesEach: number): number {
    if (entries * bytesEach > this.#bytes.length - this.#at) throw new MalformedMessage('a length beyond the end of the message')
    return entries
  }

  #unexpected(wanted: string, code: number): MalformedMessage {
    return new MalformedMessage(`code 0x${code.toString(16).padStart(2, '0')} at byte ${this.#at} where ${wanted} belongs`)
  }
}

/** Bytes of the number formats 0xca to 0xd3. */
const NUMBER_SIZES = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
