import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { AmpouleError } from '../errors.ts'
import type { ResponseHead } from './http-headers.ts'

/** What is still read of a body that nobody wants, so that a client in the middle of sending it sees the answer and not a reset connection. */
const LINGER_MS = 1000
const LINGER_BYTES = 1024 * 1024

/** Bodies up to this size go out together with their head. */
const ONE_WRITE_BYTES = 16 * 1024

/** What the host adds to a head. */
export interface AnswerOptions {
  /** Name, value, …: the host's own headers. */
  readonly extra: readonly string[]
  /** The connection ends with this answer. */
  readonly close: boolean
  /** Called when the rest of the request is about to be thrown away. */
  readonly discard?: () => void
}

/** Sends a whole answer. `content-length` is the body's; for HEAD what a guest declared, since it may not have made the body. */
export function sendWhole(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  head: ResponseHead,
  body: Uint8Array | null,
  options: AnswerOptions,
): void {
  if (outgoing.destroyed) return
  const { headers, status } = head
  headers.push(...options.extra)
  const unread = !isRead(incoming)
  if (options.close || unread) headers.push('connection', 'close')
  const bodiless = status === 204 || status === 304
  if (!bodiless) {
    const length = incoming.method === 'HEAD' ? (head.contentLength ?? body?.byteLength ?? 0) : (body?.byteLength ?? 0)
    headers.push('content-length', String(length))
  }
  outgoing.writeHead(status, headers)
  const content = bodiless || incoming.method === 'HEAD' || body === null || body.byteLength === 0 ? undefined : body
  if (unread) {
    options.discard?.()
    return linger(incoming, outgoing, content)
  }
  if (content === undefined) outgoing.end()
  else if (content.byteLength <= ONE_WRITE_BYTES) outgoing.end(asLatin1(content), 'latin1')
  else outgoing.end(content)
}

/** Byte for byte as characters: Node then writes head and body as one string with one system call, instead of two buffers. */
const asLatin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/**
 * Sends a body as it comes, as fast as the client takes it. Resolves when all of it was handed over; rejects when the body
 * fails, when it is not as long as `content-length` said, or when the client is gone. The caller must destroy the connection
 * then: it is the only way to tell the client that the answer is not complete.
 */
export async function sendStream(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  head: ResponseHead,
  body: ReadableStream<Uint8Array>,
  options: AnswerOptions & { readonly trailers?: () => Promise<Record<string, string>>; readonly trailerNames?: string },
): Promise<void> {
  const { headers, status, contentLength } = head
  headers.push(...options.extra)
  if (options.close) headers.push('connection', 'close')
  const bodiless = status === 204 || status === 304 || incoming.method === 'HEAD'
  if (contentLength !== undefined && status !== 204) headers.push('content-length', String(contentLength))
  const withTrailers =
    options.trailers !== undefined &&
    options.trailerNames !== undefined &&
    contentLength === undefined &&
    !bodiless &&
    incoming.httpVersion === '1.1'
  if (withTrailers) headers.push('trailer', options.trailerNames ?? '')
  outgoing.writeHead(status, headers)
  outgoing.flushHeaders()
  const reader = body.getReader()
  try {
    let sent = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (outgoing.destroyed) throw new AmpouleError('Cancelled', 'the client has gone away')
      sent += value.byteLength
      if (bodiless || value.byteLength === 0) continue
      if (contentLength !== undefined && sent > contentLength) throw wrongLength(contentLength)
      if (!outgoing.write(value)) await drained(outgoing)
    }
    if (!bodiless && contentLength !== undefined && sent < contentLength) throw wrongLength(contentLength)
  } catch (error) {
    await reader.cancel(error).catch(() => undefined)
    throw error
  }
  if (withTrailers && options.trailers !== undefined) outgoing.addTrailers(await options.trailers())
  outgoing.end()
  if (isRead(incoming)) return
  options.discard?.()
  endLater(incoming)
}

/** Whether all of the request has arrived, so that the connection can carry another one. */
const isRead = (incoming: IncomingMessage): boolean =>
  incoming.complete ||
  (incoming.headers['transfer-encoding'] === undefined && Number(incoming.headers['content-length'] ?? 0) === 0)

const wrongLength = (declared: number): AmpouleError =>
  new AmpouleError('InvalidResponse', `the body is not as long as its content-length says (${declared})`)

async function drained(outgoing: ServerResponse): Promise<void> {
  const stop = new AbortController()
  try {
    await Promise.race([once(outgoing, 'drain', { signal: stop.signal }), once(outgoing, 'close', { signal: stop.signal })])
  } finally {
    stop.abort()
  }
  if (outgoing.destroyed) throw new AmpouleError('Cancelled', 'the client has gone away')
}

/** Hands the answer over at once but ends it only when the rest of the request has come or enough of it was thrown away. */
function linger(incoming: IncomingMessage, outgoing: ServerResponse, body: Uint8Array | undefined): void {
  if (body === undefined) outgoing.flushHeaders()
  else outgoing.write(body)
  // A client that still waits for `100 Continue` sends nothing more.
  if (incoming.headers.expect !== undefined) {
    outgoing.end()
    return
  }
  let discarded = 0
  const end = () => {
    clearTimeout(timer)
    incoming.off('data', onData)
    outgoing.end()
  }
  const onData = (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > LINGER_BYTES) end()
  }
  const timer = setTimeout(end, LINGER_MS)
  incoming
    .on('data', onData)
    .once('end', end)
    .once('close', end)
    .on('error', () => undefined)
  incoming.resume()
}

/** A streamed answer is over before its request: the rest of the request is thrown away, for a while. */
function endLater(incoming: IncomingMessage): void {
  const timer = setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroy()
  }, LINGER_MS)
  incoming.once('close', () => clearTimeout(timer)).on('error', () => undefined)
  incoming.resume()
}
