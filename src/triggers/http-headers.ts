import { AmpouleError } from '../errors.ts'

export type Header = readonly [name: string, value: string]

/** Header of every answer, and of requests as the function sees them when its name was taken off the path. */
export const REQUEST_ID_HEADER = 'x-ampoule-request-id'
const PREFIX_HEADER = 'x-forwarded-prefix'

/** Headers of a whole response that may come from a guest, names and values together. */
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024
export const MAX_RESPONSE_HEADERS = 256

/** RFC 9110 7.6.1: what belongs to one connection and not to the message. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])

/** Request headers that are not just passed on. */
const SPECIAL = new Set([...HOP_BY_HOP, 'host', 'content-length', 'expect', PREFIX_HEADER])

/** Set by the host alone, in both directions. */
const OWN_PREFIX = 'x-ampoule-'

/** RFC 9110 5.6.2 `token`. */
const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 5.5: anything beside these could end the line (CR, LF, NUL) or is no byte. */
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/

/** What the host needs to know of a request's head, read in one pass: most requests never materialise Node's `headers`. */
export interface RequestHead {
  /** What the function gets. */
  readonly headers: readonly Header[]
  readonly host: string | undefined
  /** Whether there is a body at all (RFC 9112 6.3); Node's parser has refused contradictions already. */
  readonly hasBody: boolean
  /** The body's declared length; undefined for a chunked one. */
  readonly bodyLength: number | undefined
  /** The client waits for `100 Continue` before it sends the body (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean
}

/**
 * Reads name, value, name, value, … as they came. The function's headers: in order, duplicates kept, names in lower case; without
 * what belongs to the connection (RFC 9110 7.6.1), without `expect`, which the host answers, and without names that only the
 * host may set. `prefix`: what was taken off the path; '' for nothing.
 */
export function requestHead(raw: readonly string[], prefix: string): RequestHead {
  const headers: Header[] = []
  let named: Set<string> | undefined
  let host: string | undefined
  let length = 0
  let isChunked = false
  let expectsContinue = false
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    if (!SPECIAL.has(name)) {
      if (!name.startsWith(OWN_PREFIX)) headers.push([name, value])
      continue
    }
    if (name === 'host') host ??= value
    else if (name === 'content-length') length = Number(value)
    else {
      if (name === 'transfer-encoding') isChunked = true
      else if (name === 'connection') named = namedByConnection(value, named)
      else if (name === 'expect') expectsContinue = value.toLowerCase() === '100-continue'
      continue
    }
    headers.push([name, value])
  }
  if (prefix !== '') headers.push([PREFIX_HEADER, prefix])
  const dropped = named
  return {
    headers: dropped === undefined ? headers : headers.filter(([name]) => !dropped.has(name)),
    host,
    hasBody: isChunked || length > 0,
    bodyLength: isChunked ? undefined : length,
    expectsContinue,
  }
}

/** The names that a `connection` header adds to those of the connection; undefined while there are only the usual ones. */
function namedByConnection(value: string, named: Set<string> | undefined): Set<string> | undefined {
  if (value === 'keep-alive' || value === 'close') return named
  const names = value.split(',').map((name) => name.trim().toLowerCase())
  // A client must not be able to take away what the host or the message's framing relies on.
  const others = names.filter(
    (name) => name !== '' && !HOP_BY_HOP.has(name) && name !== 'close' && name !== 'host' && name !== PREFIX_HEADER,
  )
  return others.length === 0 ? named : new Set([...(named ?? []), ...others])
}

/** A response's head as it may go out. */
export interface ResponseHead {
  readonly status: number
  /** Name, value, name, value, …, without `content-length`. */
  readonly headers: string[]
  /** What the guest declared; only meaningful where the host does not know the length itself. */
  readonly contentLength: number | undefined
}

/**
 * Checks what a guest wants to answer: status 200 to 599, names and values as RFC 9110 allows (no CR or LF, so nothing can be
 * injected), sizes. Headers of the connection and of the host are dropped. Throws `InvalidResponse`, naming the header.
 */
export function responseHead(status: number, headers: Iterable<Header>): ResponseHead {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw invalid(`the status ${status} is not an integer from 200 to 599`)
  const kept: string[] = []
  let contentLength: number | undefined
  let bytes = 0
  let named: Set<string> | undefined
  for (const [name, value] of headers) {
    if (!namePattern.test(name)) throw invalid(`${JSON.stringify(name.slice(0, 80))} is not a header name`)
    if (forbiddenInValue.test(value)) throw invalid(`the value of the header ${name} holds characters that no header may hold`)
    bytes += name.length + value.length
    if (bytes > MAX_RESPONSE_HEADER_BYTES) throw invalid(`the headers take more than ${MAX_RESPONSE_HEADER_BYTES} bytes`)
    const lower = name.toLowerCase()
    if (lower === 'connection') named = namedByConnection(value, named)
    if (HOP_BY_HOP.has(lower) || lower.startsWith(OWN_PREFIX)) continue
    if (lower === 'content-length') {
      contentLength = declaredLength(value, contentLength)
      continue
    }
    kept.push(name, value)
    if (kept.length > 2 * MAX_RESPONSE_HEADERS) throw invalid(`there are more than ${MAX_RESPONSE_HEADERS} headers`)
  }
  return { status, headers: named === undefined ? kept : without(kept, named), contentLength }
}

function declaredLength(value: string, before: number | undefined): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined
  if (length === undefined || (before !== undefined && before !== length))
    throw invalid(`content-length ${JSON.stringify(value.slice(0, 80))} is not one length`)
  return length
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? ''
    if (!names.has(name.toLowerCase())) kept.push(name, headers[index + 1] ?? '')
  }
  return kept
}

const invalid = (what: string): AmpouleError => new AmpouleError('InvalidResponse', `the function's answer is not valid: ${what}`)
