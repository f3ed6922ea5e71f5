import { AmpouleError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** V8's own limit for the names of core modules. */
const MAX_NAME_BYTES = 100_000

/** Names in error messages come from the input: shortened, and without control characters that could forge a log line. */
export function quote(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 117)}...` : name
  return JSON.stringify(short)
}

/** How many elements may still be read: each becomes an object, which takes many times the one or two bytes that it may have in the binary. */
export interface Budget {
  left: number
}

/**
 * A cursor over a part of a binary. Every read is checked against the part's end, every count against the bytes that are left and
 * against the budget that all parts of one binary share.
 */
export class Reader {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly end: number
  readonly code: ErrorCode
  readonly budget: Budget
  at: number

  /** `code` is what a malformed binary is reported as. */
  constructor(bytes: Uint8Array<ArrayBuffer>, code: ErrorCode, budget: Budget, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.code = code
    this.budget = budget
    this.at = at
    this.end = end
  }

  fail(what: string, at = this.at): never {
    throw new AmpouleError(this.code, `${what} at byte ${at}`)
  }

  get left(): number {
    return this.end - this.at
  }

  byte(): number {
    if (this.at >= this.end) this.fail('unexpected end')
    return this.bytes[this.at++] ?? 0
  }

  /** The byte must be `wanted`. */
  expect(wanted: number, what: string): void {
    const start = this.at
    const found = this.byte()
    if (found !== wanted) this.fail(`expected 0x${wanted.toString(16)} (${what}), found 0x${found.toString(16)}`, start)
  }

  u32(): number {
    const start = this.at
    let result = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      if (shift === 28 && byte > 0x0f) this.fail('integer too large', start)
      result += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return result
    }
    return this.fail('integer too long', start)
  }

  /** Signed LEB128 of up to 33 bits, as value types and heap types are written. */
  s33(): number {
    const start = this.at
    let result = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      result += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return byte & 0x40 ? result - 2 ** (shift + 7) : result
    }
    return this.fail('integer too long', start)
  }

  /** A vector's length; each element takes at least `minBytes`. */
  count(minBytes = 1): number {
    const start = this.at
    const count = this.u32()
    if (count * minBytes > this.left) this.fail(`count ${count} is larger than what is left`, start)
    this.spend(count)
    return count
  }

  spend(elements: number): void {
    this.budget.left -= elements
    if (this.budget.left < 0) this.fail('too many elements')
  }

  vector<T>(element: () => T, minBytes = 1): T[] {
    const count = this.count(minBytes)
    const result: T[] = []
    for (let i = 0; i < count; i++) result.push(element())
    return result
  }

  name(): string {
    const start = this.at
    const length = this.u32()
    if (length > this.left) this.fail('name is longer than what is left', start)
    if (length > MAX_NAME_BYTES) this.fail(`name of ${length} bytes is longer than ${MAX_NAME_BYTES}`, start)
    const bytes = this.bytes.subarray(this.at, this.at + length)
    this.at += length
    try {
      return decoder.decode(bytes)
    } catch {
      return this.fail('name is not UTF-8', start)
    }
  }

  /** The next `length` bytes as a part of their own. */
  part(length: number): Reader {
    if (length > this.left) this.fail(`section of ${length} bytes is longer than what is left (${this.left})`)
    const part = new Reader(this.bytes, this.code, this.budget, this.at, this.at + length)
    this.at += length
    return part
  }

  done(what: string): void {
    if (this.at !== this.end) this.fail(`${this.left} unexpected bytes after ${what}`)
  }
}
