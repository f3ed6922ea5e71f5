import type { CanonicalOptions } from './contract.ts'
import type { Host } from './host.ts'
import { trap } from './trap.ts'

const SHORT_STRING = 24
/** What each byte of a list's elements is worth in work: they are handles and pointers that lead to more. */
const LIST_WORK = 16

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Writes by offset from where it was put last; valid until the next one is asked for. */
export class Area {
  #view: DataView = new DataView(new ArrayBuffer(0))
  #start = 0

  at(view: DataView, start: number): this {
    this.#view = view
    this.#start = start
    return this
  }

  u8(offset: number, value: number): void {
    this.#view.setUint8(this.#start + offset, value)
  }

  u32(offset: number, value: number): void {
    this.#view.setUint32(this.#start + offset, value, true)
  }

  u64(offset: number, value: bigint): void {
    this.#view.setBigUint64(this.#start + offset, value, true)
  }
}

/**
 * A guest's memory as one lowered import sees it (canonical ABI, "Loading" and "Storing"). Pointers and lengths are core i32s and
 * may arrive negative. Everything is checked against the virtual size; the views must not be kept across `allocate` or a wait.
 */
export class GuestMemory {
  /** One for all results of this function: a DataView for each would cost more than what is written with it. */
  readonly #area = new Area()
  readonly #options: CanonicalOptions
  readonly #host: Host

  constructor(options: CanonicalOptions, host: Host) {
    this.#options = options
    this.#host = host
  }

  /** The bytes of a list<u8>: a view. */
  bytes(pointer: number, length: number): Uint8Array {
    const start = this.#check(pointer, length >>> 0, 1)
    this.#host.work(length >>> 0)
    return this.#options.bytes().subarray(start, start + (length >>> 0))
  }

  /** The elements of a list, as a view that starts at the first. */
  list(pointer: number, length: number, elementSize: number, align: number): DataView {
    const size = (length >>> 0) * elementSize
    const start = this.#check(pointer, size, align)
    this.#host.work(size * LIST_WORK)
    const view = this.#options.view()
    return new DataView(view.buffer, view.byteOffset + start, size)
  }

  /** The place of a result, `size` bytes at `pointer`, to be written to. */
  area(pointer: number, size: number, align: number): Area {
    return this.#area.at(this.#options.view(), this.#check(pointer, size, align))
  }

  string(pointer: number, length: number): string {
    const size = length >>> 0
    const start = this.#check(pointer, size, 1)
    this.#host.work(size)
    const bytes = this.#options.bytes()
    if (size <= SHORT_STRING) {
      let text = ''
      let index = start
      for (; index < start + size; index++) {
        const byte = bytes[index] ?? 0
        if (byte > 127) break
        text += String.fromCharCode(byte)
      }
      if (index === start + size) return text
    }
    try {
      return decoder.decode(bytes.subarray(start, start + size))
    } catch {
      return trap(`string at ${start} is not UTF-8`)
    }
  }

  /** New guest memory through the component's realloc. */
  allocate(size: number, align: number): number {
    const host = this.#host
    host.work(size)
    host.leaveForbidden = true
    const pointer = this.#options.realloc(0, 0, align, size) >>> 0
    host.leaveForbidden = false
    this.#check(pointer, size, align)
    return pointer
  }

  /** A new list<u8>; gives its pointer. */
  newBytes(bytes: Uint8Array): number {
    const pointer = this.allocate(bytes.length, 1)
    this.#options.bytes().set(bytes, pointer)
    return pointer
  }

  /** A new string, its pointer and length stored at `at` (which must have been checked or allocated). */
  putString(at: number, text: string): void {
    if (text.length <= SHORT_STRING && isAscii(text)) {
      this.putLatin1(at, text)
      return
    }
    const bytes = encoder.encode(text)
    const pointer = this.newBytes(bytes)
    this.putPair(at, pointer, bytes.length)
  }

  /** A new list<u8> with one byte per character of `text`, stored as by `putString`. */
  putLatin1(at: number, text: string): void {
    const length = text.length
    const pointer = this.allocate(length, 1)
    const bytes = this.#options.bytes()
    for (let index = 0; index < length; index++) bytes[pointer + index] = text.charCodeAt(index)
    this.putPair(at, pointer, length)
  }

  /** Stores a pointer (or any two u32) at `at`, checked. */
  putPair(at: number, first: number, second: number): void {
    const start = this.#check(at, 8, 4)
    const view = this.#options.view()
    view.setUint32(start, first, true)
    view.setUint32(start + 4, second, true)
  }

  /** list<string>, or with `width` 2 list<tuple<string, string>> from alternating texts. */
  putStrings(at: number, texts: readonly string[], width = 1): void {
    const pointer = this.allocate(texts.length * 8, 4)
    for (let index = 0; index < texts.length; index++) this.putString(pointer + index * 8, texts[index] ?? '')
    this.putPair(at, pointer, texts.length / width)
  }

  #check(pointer: number, size: number, align: number): number {
    const start = pointer >>> 0
    if (start % align !== 0) trap(`pointer ${start} is not aligned to ${align}`)
    if (start + size > this.#options.size()) trap(`pointer ${start} with ${size} bytes is out of bounds`)
    return start
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false
  return true
}
