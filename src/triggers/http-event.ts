import { encodeMessage, MalformedMessage, MessageReader } from '../invoke/message.ts'
import { responseHead, type Header, type ResponseHead } from './http-headers.ts'

/** What an HTTP request becomes for a function of the event world (docs/events.md). */
export interface HttpEvent {
  readonly id: string
  readonly functionName: string
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number
  readonly method: string
  /** Absolute. */
  readonly url: string
  readonly headers: readonly Header[]
  readonly body: Uint8Array | null
}

export const encodeHttpEvent = (event: HttpEvent): Uint8Array =>
  encodeMessage({
    type: 'http',
    id: event.id,
    fn: event.functionName,
    deadline: event.deadlineMs,
    method: event.method,
    url: event.url,
    headers: event.headers,
    body: event.body,
  })

const KEYS = ['status', 'headers', 'body'].map((name) => Buffer.from(name))
const [STATUS, HEADERS, BODY] = [0, 1, 2]

export interface HttpAnswer {
  readonly head: ResponseHead
  /** A string's UTF-8 bytes where the guest sent a string. A view of the payload. */
  readonly body: Uint8Array | null
}

/**
 * Reads the answer to an `http` event straight from its bytes; unknown keys are passed over after they were checked.
 * Throws `MalformedMessage` when it is not what docs/events.md says, `InvalidResponse` when HTTP does not allow it.
 */
export function decodeHttpAnswer(payload: Uint8Array): HttpAnswer {
  const reader = new MessageReader(payload)
  let status: number | undefined
  let headers: readonly Header[] = []
  let body: Uint8Array | null = null
  for (let entries = reader.map(); entries > 0; entries--) {
    switch (reader.key(KEYS)) {
      case STATUS:
        status = reader.number()
        break
      case HEADERS:
        headers = readHeaders(reader)
        break
      case BODY:
        body = reader.content()
        break
      default:
        reader.skip()
    }
  }
  reader.end()
  if (status === undefined) throw new MalformedMessage('"status" is missing')
  return { head: responseHead(status, headers), body }
}

function readHeaders(reader: MessageReader): Header[] {
  const headers: Header[] = []
  for (let count = reader.array(); count > 0; count--) {
    if (reader.array() !== 2) throw new MalformedMessage('a header is not a pair of name and value')
    headers.push([reader.string(), reader.string()])
  }
  return headers
}
