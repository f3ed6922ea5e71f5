import { encodeEnvelope } from '../engine/envelope.ts'
import { MalformedMessage, MAX_DEPTH, MAX_VALUES, MessageReader } from './message.ts'

/** An answer of the form `json`, read as far as every kind of answer goes. */
export interface Answer {
  readonly head: object
  /** A string's UTF-8 bytes where the guest sent a string. A view of the payload. */
  readonly body: Uint8Array | null
}

/**
 * Reads `[head, body]` (docs/events.md): exactly these two, head a string of JSON that holds an object. Throws `MalformedMessage`
 * for everything else. Keys are the object's own, `__proto__` too: callers read them with {@link own}.
 */
export function decodeEnvelope(payload: Uint8Array): Answer {
  const reader = new MessageReader(payload)
  const parts = reader.array()
  if (parts !== 2) throw new MalformedMessage(`${parts} values where a head and a body belong`)
  const head = parseHead(reader.text())
  const body = reader.content()
  reader.end()
  return { head, body }
}

/** An event of the form `json` for a guest, refused as its answer would be: an interpreter's own reader recurses until it traps. */
export function encodeChecked(head: object): Uint8Array {
  const event = encodeEnvelope(head, null)
  const reader = new MessageReader(event)
  reader.array()
  checkStructure(reader.text())
  return event
}

/** The value of the object's own key; undefined when it has none. */
export const own = (object: object, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key as keyof typeof object] : undefined

function parseHead(bytes: Buffer): object {
  checkStructure(bytes)
  let head: unknown
  try {
    head = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new MalformedMessage('the head is not JSON')
  }
  if (typeof head !== 'object' || head === null || Array.isArray(head)) throw new MalformedMessage('the head is no object')
  return head
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]

/**
 * Refuses nesting and numbers of values before anything is made of them, with the same limits as for MessagePack: who works on the
 * value later recurses, and six megabytes of `[],` would become hundreds of megabytes of objects. Whether it is JSON, it does not say.
 */
function checkStructure(bytes: Buffer): void {
  let depth = 0
  let values = 1
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at)
        break
      case 0x5b:
      case 0x7b:
        if (++depth > MAX_DEPTH) throw new MalformedMessage(`nested deeper than ${MAX_DEPTH}`)
        values++
        break
      case 0x5d:
      case 0x7d:
        depth--
        break
      case COMMA:
        values++
        break
    }
    if (values > MAX_VALUES) throw new MalformedMessage(`more than ${MAX_VALUES} values`)
  }
}

/** Where the quote is that ends the string which begins at `start`. */
function endOfString(bytes: Buffer, start: number): number {
  let end = start
  for (;;) {
    end = bytes.indexOf(QUOTE, end + 1)
    if (end < 0) throw new MalformedMessage('the head is not JSON')
    let slashes = 0
    while (bytes[end - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
}
