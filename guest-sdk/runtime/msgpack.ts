/**
 * The part of MessagePack that docs/events.md allows, for values that a stranger may have written. One pass that checks what it
 * reads: in engines without a JIT, checking first and decoding with a general codec costs several times as much as the rest of an
 * invocation. No extension types (records, dates, errors, typed arrays … of other codecs are extensions), map keys are strings,
 * nesting is bounded, and no length is believed that the bytes cannot hold.
 */
import { utf8DecodeLossy, utf8Encode } from './bytes.ts'

/** Containers inside containers that a value may hold: encoding and decoding recurse. */
export const MAX_DEPTH = 64

/** Default for the size of one encoded value, in bytes. Transports have limits of their own, which are lower. */
const MAX_BYTES = 64 * 1024 * 1024

export interface CodecLimits {
  /** Default {@link MAX_DEPTH}. */
  readonly maxDepth?: number
  /** Default {@link MAX_BYTES}. */
  readonly maxBytes?: number
}

/** The bytes or the value are not what docs/events.md allows. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
}

/**
 * Decodes exactly one value. Maps become objects, binary a `Uint8Array` (a view of `bytes`), nil `null`, integers numbers where
 * they are exact and else bigints; what is no UTF-8 in a string becomes U+FFFD. Throws a {@link CodecError} for everything else.
 */
export function decode(bytes: Uint8Array, limits: CodecLimits = {}): unknown {
  const maxBytes = limits.maxBytes ?? MAX_BYTES
  if (bytes.length > maxBytes) throw new CodecError(`${bytes.length} bytes are more than the limit of ${maxBytes}`)
  source = bytes
  view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  at = 0
  head = latin1(bytes.subarray(0, HEAD_BYTES))
  try {
    const value = readValue(limits.maxDepth ?? MAX_DEPTH)
    if (at !== bytes.length) throw new CodecError(`${bytes.length - at} bytes follow the value`)
    return value
  } finally {
    source = EMPTY
    head = ''
  }
}

/**
 * Encodes plain data: null, undefined (as nil), booleans, numbers, bigints of 64 bits, strings, arrays, objects, binary
 * (`ArrayBuffer` and its views). Objects with a `toJSON` are encoded as what that returns, functions and symbols as nil; keys
 * without a value are left out. Throws a {@link CodecError} for cycles and for nesting deeper than `maxDepth`.
 */
export function encode(value: unknown, limits: CodecLimits = {}): Uint8Array<ArrayBuffer> {
  target = new Uint8Array(FIRST_BYTES)
  length = 0
  try {
    writeValue(value, limits.maxDepth ?? MAX_DEPTH)
    return target.slice(0, length)
  } finally {
    target = EMPTY
  }
}

// State of the one call that runs: both functions are synchronous, and an interpreter reaches these faster than fields.
const EMPTY = new Uint8Array(0)
let source: Uint8Array = EMPTY
let view: DataView = new DataView(EMPTY.buffer)
let at = 0
/** The first bytes as Latin-1, made in one native call: an ASCII string is a piece of it. */
let head = ''
let target: Uint8Array<ArrayBuffer> = EMPTY
let length = 0

/** Arguments of one call travel on the stack. */
const HEAD_BYTES = 4096
const FIRST_BYTES = 512
// Not a spread: that would iterate, which takes an interpreter a microsecond for each byte.
const latin1 = (bytes: Uint8Array): string => String(Reflect.apply(String.fromCharCode, undefined, bytes))

const NON_ASCII = /[\x80-\xff]/

/** Moves on by that many bytes and returns where they start. */
function take(bytes: number): number {
  const start = at
  if (bytes > source.length - start) throw new CodecError('the bytes end inside a value')
  at = start + bytes
  return start
}

function readValue(depth: number): unknown {
  const token = source[take(1)] ?? 0xc1
  if (token < 0x80) return token
  if (token >= 0xe0) return token - 0x100
  if (token >= 0xa0 && token < 0xc0) return readText(token & 0x1f)
  if (token < 0x90) return readMap(token & 0x0f, depth)
  if (token < 0xa0) return readArray(token & 0x0f, depth)
  switch (token) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return readBinary(readLength(1 << (token - 0xc4)))
    case 0xca:
      return view.getFloat32(take(4))
    case 0xcb:
      return view.getFloat64(take(8))
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readLength(1 << (token - 0xcc))
    case 0xcf:
      return exact(view.getBigUint64(take(8)))
    case 0xd0:
      return view.getInt8(take(1))
    case 0xd1:
      return view.getInt16(take(2))
    case 0xd2:
      return view.getInt32(take(4))
    case 0xd3:
      return exact(view.getBigInt64(take(8)))
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readText(readLength(1 << (token - 0xd9)))
    case 0xdc:
    case 0xdd:
      return readArray(readLength(2 << (token - 0xdc)), depth)
    case 0xde:
    case 0xdf:
      return readMap(readLength(2 << (token - 0xde)), depth)
    default:
      throw new CodecError(`0x${token.toString(16)} at byte ${at - 1} is an extension type or reserved`)
  }
}

function readLength(size: number): number {
  const start = take(size)
  return size === 1 ? (source[start] ?? 0) : size === 2 ? view.getUint16(start) : view.getUint32(start)
}

const exact = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

function readBinary(size: number): Uint8Array {
  const start = take(size)
  return source.subarray(start, at)
}

function readText(size: number): string {
  const start = take(size)
  if (at <= head.length) {
    const text = head.slice(start, at)
    if (!NON_ASCII.test(text)) return text
  }
  return utf8DecodeLossy(source.subarray(start, at))
}

/** Every item takes a byte at least: a count beyond that is a lie, and is not allocated for. */
function enter(count: number, bytes: number, depth: number): void {
  if (bytes > source.length - at) throw new CodecError(`${count} items or entries at byte ${at} do not fit into the bytes`)
  if (depth === 0) throw new CodecError('the value is nested too deeply')
}

function readArray(count: number, depth: number): unknown[] {
  enter(count, count, depth)
  const list: unknown[] = []
  for (let i = 0; i < count; i++) list.push(readValue(depth - 1))
  return list
}

function readMap(count: number, depth: number): Record<string, unknown> {
  enter(count, count * 2, depth)
  const object: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) {
    const token = source[at] ?? 0
    if (!((token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb)))
      throw new CodecError(`a map key at byte ${at} is not a string`)
    const key = String(readValue(depth))
    const value = readValue(depth - 1)
    // Assigned, this key would be the prototype.
    if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
    else object[key] = value
  }
  return object
}

/** Makes room for that many bytes and returns where they start. */
function reserve(bytes: number): number {
  const start = length
  length = start + bytes
  if (length > target.length) {
    const larger = new Uint8Array(Math.max(length, target.length * 2))
    larger.set(target)
    target = larger
  }
  return start
}

function writeToken(token: number): void {
  const start = reserve(1)
  target[start] = token
}

/** A token and a big-endian number of `size` bytes. */
function writeSized(token: number, value: number, size: number): void {
  const start = reserve(1 + size)
  target[start] = token
  let rest = value
  for (let i = start + size; i > start; i--) {
    target[i] = rest & 0xff
    rest = Math.floor(rest / 256)
  }
}

function writeView(token: number, write: (into: DataView) => void): void {
  const start = reserve(9)
  target[start] = token
  write(new DataView(target.buffer, start + 1, 8))
}

function writeValue(value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      return writeText(value)
    case 'number':
      return writeNumber(value)
    case 'boolean':
      return writeToken(value ? 0xc3 : 0xc2)
    case 'bigint':
      return writeBigint(value)
    case 'object':
      return value === null ? writeToken(0xc0) : writeObject(value, depth)
    default:
      return writeToken(0xc0)
  }
}

function writeNumber(value: number): void {
  // Beyond 32 bits as a double, which is exact and which every decoder reads as a number: some make bigints of 64-bit integers.
  const integer = Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff && !Object.is(value, -0)
  if (!integer) return writeView(0xcb, (into) => into.setFloat64(0, value))
  if (value >= 0) {
    if (value < 0x80) return writeToken(value)
    if (value <= 0xff) return writeSized(0xcc, value, 1)
    if (value <= 0xffff) return writeSized(0xcd, value, 2)
    return writeSized(0xce, value, 4)
  }
  if (value >= -0x20) return writeToken(value + 0x100)
  writeSized(0xd2, value + 0x100000000, 4)
}

function writeBigint(value: bigint): void {
  if (BigInt.asIntN(64, value) === value) return writeView(0xd3, (into) => into.setBigInt64(0, value))
  if (BigInt.asUintN(64, value) !== value) throw new CodecError(`${value} has more than 64 bits`)
  writeView(0xcf, (into) => into.setBigUint64(0, value))
}

/** Strings up to here are written character by character: a call of the encoder costs more. */
const SHORT_TEXT = 64

function writeText(text: string): void {
  const size = text.length
  if (size <= SHORT_TEXT) {
    const before = length
    writeHead(0xa0, 32, 0xd9, size)
    let to = reserve(size)
    let i = 0
    for (; i < size; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) break
      target[to++] = unit
    }
    if (i === size) return
    length = before
  }
  const bytes = utf8Encode(text)
  writeHead(0xa0, 32, 0xd9, bytes.length)
  const start = reserve(bytes.length)
  target.set(bytes, start)
}

/** The short form when the size is below `shortSizes`, else the form with 1 (where `token8` has it), 2 or 4 bytes. */
function writeHead(shortToken: number, shortSizes: number, token8: number, size: number): void {
  if (size < shortSizes) writeToken(shortToken | size)
  else if (size <= 0xff) writeSized(token8, size, 1)
  else if (size <= 0xffff) writeSized(token8 + 1, size, 2)
  else writeSized(token8 + 2, size, 4)
}

function writeContainer(shortToken: number, token16: number, size: number): void {
  if (size < 16) writeToken(shortToken | size)
  else if (size <= 0xffff) writeSized(token16, size, 2)
  else writeSized(token16 + 1, size, 4)
}

function writeBinary(bytes: Uint8Array): void {
  writeHead(0, 0, 0xc4, bytes.length)
  const start = reserve(bytes.length)
  target.set(bytes, start)
}

function writeObject(value: object, depth: number): void {
  if (value instanceof Uint8Array) return writeBinary(value)
  if (value instanceof ArrayBuffer) return writeBinary(new Uint8Array(value))
  if (ArrayBuffer.isView(value)) return writeBinary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  if (depth === 0) throw new CodecError('the value is nested too deeply or contains itself')
  if (Array.isArray(value)) {
    writeContainer(0x90, 0xdc, value.length)
    for (const item of value) writeValue(item, depth - 1)
    return
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return writeValue(value.toJSON(), depth - 1)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && typeof item !== 'function')
  writeContainer(0x80, 0xde, entries.length)
  for (const [key, item] of entries) {
    writeText(key)
    writeValue(item, depth - 1)
  }
}
