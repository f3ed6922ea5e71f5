/**
 * `[head, body]` of docs/events.md: the head is JSON, which the engine reads and writes natively, and around it are so few bytes of
 * MessagePack that an interpreter is done with them in some dozens of operations.
 */
import type { Text } from './function.ts'

const ARRAY_OF_TWO = 0x92
const STRING_32 = 0xdb
const BINARY_32 = 0xc6
const NIL = 0xc0

/** A code of one byte and a length of four. */
const CODE_AND_LENGTH = 5
const HEAD_AT = 1 + CODE_AND_LENGTH

export interface Envelope {
  /** Whatever the JSON is. */
  readonly head: unknown
  /** A view of the bytes. */
  readonly body: Uint8Array | null
}

/** Opens an event. Throws a `TypeError` when the bytes are not the two values, to the byte, or when the head is not JSON. */
export function openEnvelope(bytes: Uint8Array, text: Text): Envelope {
  // Without calls where it can be: in an interpreter each costs as much as the rest of its line.
  const headEnd =
    bytes[0] === ARRAY_OF_TWO && bytes[1] === STRING_32
      ? HEAD_AT + ((bytes[2]! << 24) | (bytes[3]! << 16) | (bytes[4]! << 8) | bytes[5]!)
      : -1
  const { length } = bytes
  const code = bytes[headEnd]
  let body: Uint8Array | null = null
  if (code === BINARY_32 && headEnd + CODE_AND_LENGTH + readLength(bytes, headEnd + 1) === length)
    body = bytes.subarray(headEnd + CODE_AND_LENGTH)
  else if (code !== NIL || headEnd + 1 !== length)
    throw new TypeError('the event is not the pair of head and body that docs/events.md describes')
  const json = text.fromAscii(bytes.subarray(HEAD_AT, headEnd))
  try {
    return { head: JSON.parse(json), body }
  } catch (error) {
    // Also nesting beyond what the engine reads.
    throw new TypeError(`the event's head is not JSON that can be read: ${String(error)}`, { cause: error })
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  return high * 0x10000 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
}

/** Room for what stands before the head, and before a body. */
const BEFORE_HEAD = '\0'.repeat(HEAD_AT)
const BEFORE_BODY = '\0'.repeat(CODE_AND_LENGTH)

/** An answer, or an error: `head` is JSON. */
export function sealEnvelope(head: string, body: Uint8Array | string | null, text: Text): Uint8Array {
  if (body !== null && typeof body !== 'string') return sealParts(head, body, text)
  const all = BEFORE_HEAD + head + (body === null ? '\0' : BEFORE_BODY + body)
  const envelope = text.toUtf8(all)
  // Longer than its characters: lengths have to be found out one by one.
  if (envelope.length !== all.length) return sealParts(head, body, text)
  const headEnd = HEAD_AT + head.length
  envelope[0] = ARRAY_OF_TWO
  writeHead(envelope, 1, STRING_32, head.length)
  if (body === null) envelope[headEnd] = NIL
  else writeHead(envelope, headEnd, STRING_32, body.length)
  return envelope
}

function sealParts(head: string, body: Uint8Array | string | null, text: Text): Uint8Array {
  const headBytes = text.toUtf8(head)
  const headEnd = HEAD_AT + headBytes.length
  const content = typeof body === 'string' ? text.toUtf8(body) : body
  const envelope = new Uint8Array(headEnd + (content === null ? 1 : CODE_AND_LENGTH + content.length))
  envelope[0] = ARRAY_OF_TWO
  writeHead(envelope, 1, STRING_32, headBytes.length)
  envelope.set(headBytes, HEAD_AT)
  if (content === null) envelope[headEnd] = NIL
  else {
    writeHead(envelope, headEnd, typeof body === 'string' ? STRING_32 : BINARY_32, content.length)
    envelope.set(content, headEnd + CODE_AND_LENGTH)
  }
  return envelope
}

function writeHead(into: Uint8Array, at: number, code: number, length: number): void {
  into[at] = code
  if (length > 0xffff) {
    into[at + 1] = length >>> 24
    into[at + 2] = length >>> 16
  }
  into[at + 3] = length >>> 8
  into[at + 4] = length
}
