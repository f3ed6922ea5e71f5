import { isAscii } from 'node:buffer'
import type { EventForm } from '../component/contract.ts'
import { encodeEnvelope } from '../engine/envelope.ts'
import { decodeEnvelope, own } from '../invoke/envelope.ts'
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

/** In the form that the runner's `events` names. */
export function encodeHttpEvent(event: HttpEvent, events: EventForm): Uint8Array {
  const { id, functionName: fn, deadlineMs: deadline, method, url, headers, body } = event
  const base = { type: 'http', id, fn, deadline, method, url }
  if (events === 'msgpack') return encodeMessage({ ...base, headers, body })
  const head = { ...base, ...splitUrl(url), ...sortHeaders(headers), ...(body !== null && isAscii(body) && { ascii: true }) }
  return encodeEnvelope(head, body)
}

/** The URL's parts (RFC 3986), and the query's parameters, decoded, those of one name joined by commas. */
export function splitUrl(url: string): { host: string; path: string; query: string; parameters?: Record<string, string> } {
  const [, host = '', path = '', query = ''] = urlPattern.exec(url) ?? []
  const parts = { host, path: path === '' ? '/' : path, query }
  return query === '' ? parts : { ...parts, parameters: parseQuery(query) }
}

const urlPattern = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i

function parseQuery(query: string): Record<string, string> {
  const parameters = emptyRecord()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeQueryPart(equals < 0 ? pair : pair.slice(0, equals))
    join(parameters, name, equals < 0 ? '' : decodeQueryPart(pair.slice(equals + 1)))
  }
  return parameters
}

function decodeQueryPart(part: string): string {
  const spaced = part.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

/** `headers` without cookies, by name; the full `list` only where that is not all there is to say. */
export function sortHeaders(list: readonly Header[]): {
  headers: Record<string, string>
  cookies?: readonly string[]
  list?: readonly Header[]
} {
  const headers = emptyRecord()
  const cookies: string[] = []
  let names = 0
  for (const [name, value] of list) {
    if (name === 'cookie') cookies.push(...value.split(cookieSeparator).filter((cookie) => cookie !== ''))
    else if (join(headers, name, value)) names++
  }
  if (names === list.length) return { headers }
  return cookies.length > 0 ? { headers, cookies, list } : { headers, list }
}

const cookieSeparator = /;\s*/

/** Whether the name is new. */
function join(record: Record<string, string>, name: string, value: string): boolean {
  const before = record[name]
  record[name] = before === undefined ? value : `${before},${value}`
  return before === undefined
}

/** Without a prototype: a header or a parameter may be called `__proto__`. */
function emptyRecord(): Record<string, string> {
  const record: Record<string, string> = {}
  Object.setPrototypeOf(record, null)
  return record
}

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
export function decodeHttpAnswer(payload: Uint8Array, events: EventForm): HttpAnswer {
  return events === 'json' ? decodeJsonAnswer(payload) : decodeMessageAnswer(payload)
}

function decodeJsonAnswer(payload: Uint8Array): HttpAnswer {
  const { head, body } = decodeEnvelope(payload)
  const status = own(head, 'status')
  if (typeof status !== 'number') throw new MalformedMessage('"status" is no number')
  const headers = own(head, 'headers') ?? []
  if (Array.isArray(headers)) {
    if (headers.every(isHeader)) return { head: responseHead(status, headers), body }
    if (headers.length % 2 === 0 && headers.every(isString)) return { head: responseHead(status, inPairs(headers)), body }
  }
  throw new MalformedMessage('"headers" is no list of names and values')
}

const isString = (value: unknown): value is string => typeof value === 'string'

function inPairs(flat: readonly string[]): Header[] {
  const pairs: Header[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] ?? '', flat[i + 1] ?? ''])
  return pairs
}

const isHeader = (pair: unknown): pair is Header =>
  Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string'

function decodeMessageAnswer(payload: Uint8Array): HttpAnswer {
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
