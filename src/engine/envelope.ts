/** Bytes before the head, and before a body: a code of one byte and a length of four. */
const CODE_AND_LENGTH = 5
const ARRAY_OF_TWO = 0x92
const STRING_32 = 0xdb
const BINARY_32 = 0xc6
const NIL = 0xc0

// Everything but ASCII, and DEL, which is no printable character either.
const NOT_ASCII = /[^\x20-\x7e]/g

/**
 * An event of the form `json` (docs/events.md): the MessagePack array `[head, body]`, head as ASCII JSON. Both lengths always take
 * four bytes, so that a guest finds everything with a handful of operations.
 */
export function encodeEnvelope(head: object, body: Uint8Array | null): Uint8Array {
  const json = JSON.stringify(head).replace(NOT_ASCII, escapeUnit)
  const bodyAt = 1 + CODE_AND_LENGTH + json.length
  const event = Buffer.allocUnsafe(bodyAt + (body === null ? 1 : CODE_AND_LENGTH + body.byteLength))
  event[0] = ARRAY_OF_TWO
  event[1] = STRING_32
  event.writeUInt32BE(json.length, 2)
  event.write(json, 1 + CODE_AND_LENGTH, 'latin1')
  if (body === null) event[bodyAt] = NIL
  else {
    event[bodyAt] = BINARY_32
    event.writeUInt32BE(body.byteLength, bodyAt + 1)
    event.set(body, bodyAt + CODE_AND_LENGTH)
  }
  return event
}

/** JSON has them inside of strings only, where UTF-16 units may be escaped one by one. */
const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
