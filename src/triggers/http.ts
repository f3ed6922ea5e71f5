import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InvocationReport } from '../engine/contract.ts'
import { AmpouleError } from '../errors.ts'
import type { Invocation } from '../invoke/invocation.ts'
import { runHttp, wayFor, type HostedFunction } from '../invoke/invoke.ts'
import { nextPhase } from '../invoke/phase.ts'
import type { GuestRequest } from '../wasi/contract.ts'
import { sendStream, sendWhole } from './http-answer.ts'
import { BUFFERED_BYTES, clientGone, readBody, refuseTooLarge, streamBody, type StreamedBody } from './http-body.ts'
import { invokeHttpEvent } from './http-invoke.ts'
import { REQUEST_ID_HEADER, requestHead, responseHead, type RequestHead, type ResponseHead } from './http-headers.ts'

/** One request on its way to a function. */
export interface HttpCall {
  readonly match: HttpTarget
  readonly invocation: Invocation
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** The request's body where it was read before. */
  readonly body?: Uint8Array | undefined
  /** Name, value, …: headers that take the place of those of these names in the answer. Default: none. */
  readonly own?: readonly string[]
  /** Answers carry `server-timing`. */
  readonly timing: boolean
  /** Asked when the head goes out: whether the connection must end with this answer. */
  readonly closing: () => boolean
}

/** Where the request goes. */
export interface HttpTarget {
  readonly target: HostedFunction
  /** What the function does not see of the path: `/<name>`, or '' for a route of the configuration. */
  readonly prefix: string
  /** Path and query as the function sees them; starts with `/`. */
  readonly pathWithQuery: string
}

/** A host name or address and an optional port (RFC 9112 3.2); anything else could make another URL of the one that the function sees. */
const authorityPattern = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]+)(:\d{1,5})?$/

/**
 * Takes a request to its function and answers it. Rejects with the `AmpouleError` to answer with while no head has gone out;
 * after that an error ends the connection, since an answer cannot be taken back.
 */
export async function serveHttp(call: HttpCall): Promise<void> {
  const { invocation, outgoing } = call
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) invocation.abort(clientGone())
  })
  try {
    if (wayFor(call.match.target) === 'event') await serveEvent(call)
    else await serveWasiHttp(call)
  } catch (error) {
    const failure = error instanceof AmpouleError ? error : new AmpouleError('Internal', 'the host failed', { cause: error })
    // A guest that still runs (its head was refused, its body failed) has nobody left to run for.
    invocation.abort(failure)
    invocation.end(failure, undefined)
    if (outgoing.headersSent) outgoing.destroy()
    else throw failure
  }
}

async function serveEvent({ match, invocation, incoming, outgoing, body: given, own, timing, closing }: HttpCall): Promise<void> {
  const { target } = match
  const { limits } = target.runner.spec
  const head = requestHead(incoming.rawHeaders, match.prefix)
  const authority = authorityOf(head)
  let body: Uint8Array | null = null
  if (head.hasBody) {
    refuseTooLarge(head, limits.maxRequestBytes)
    if (head.expectsContinue && given === undefined) outgoing.writeContinue()
    body = given ?? (await readBody(incoming, limits.maxRequestBytes))
  }
  const { answer, report } = await invokeHttpEvent(target, invocation, {
    method: incoming.method ?? 'GET',
    url: `http://${authority}${match.pathWithQuery}`,
    headers: head.headers,
    body,
  })
  await nextPhase(target.runner)
  const extra = timing
    ? [REQUEST_ID_HEADER, invocation.requestId, 'server-timing', serverTiming(report)]
    : [REQUEST_ID_HEADER, invocation.requestId]
  sendWhole(incoming, outgoing, withOwn(answer.head, own), answer.body, { extra, close: closing() })
}

async function serveWasiHttp(call: HttpCall): Promise<void> {
  const { match, invocation, incoming, outgoing } = call
  const asked = requestHead(incoming.rawHeaders, match.prefix)
  const body = await guestBody(call, asked)
  const discard = body instanceof Uint8Array || body === null ? undefined : body.discard
  const request: GuestRequest = {
    method: incoming.method ?? 'GET',
    scheme: 'http',
    authority: authorityOf(asked),
    pathWithQuery: match.pathWithQuery,
    headers: asked.headers,
    body: body instanceof Uint8Array || body === null ? body : body.stream,
  }
  const { response, done } = await runHttp(match.target, invocation, request)
  await nextPhase(match.target.runner)
  const head = withOwn(responseHead(response.status, response.headers), call.own)
  const extra = [REQUEST_ID_HEADER, invocation.requestId]
  const options = { extra, close: call.closing(), ...(discard === undefined ? {} : { discard }) }
  if (response.body instanceof ReadableStream) {
    const trailers = async () => ({ 'server-timing': serverTiming(await done) })
    const announced = call.timing ? { trailers, trailerNames: 'server-timing' } : {}
    await sendStream(incoming, outgoing, head, response.body, { ...options, ...announced })
  } else {
    // Only in development is an answer held back until the guest has ended, so that its timing can be told.
    if (call.timing) extra.push('server-timing', serverTiming(await done))
    sendWhole(incoming, outgoing, head, response.body, options)
  }
  await done
}

async function guestBody(
  { match, invocation, incoming, outgoing, body }: HttpCall,
  head: RequestHead,
): Promise<Uint8Array | StreamedBody | null> {
  const { maxRequestBytes } = match.target.runner.spec.limits
  if (!head.hasBody) return null
  refuseTooLarge(head, maxRequestBytes)
  if (body !== undefined) return body
  if (head.expectsContinue) outgoing.writeContinue()
  if (head.bodyLength !== undefined && head.bodyLength <= BUFFERED_BYTES) return await readBody(incoming, maxRequestBytes)
  return streamBody(incoming, maxRequestBytes, (error) => invocation.abort(error))
}

function withOwn(head: ResponseHead, own: readonly string[] = []): ResponseHead {
  if (own.length === 0) return head
  const names = new Set(own.filter((_, index) => index % 2 === 0))
  // What varies by more than the origin does so still.
  names.delete('vary')
  const kept = head.headers.filter((_, index, all) => !names.has((all[index - (index % 2)] ?? '').toLowerCase()))
  return { ...head, headers: [...kept, ...own] }
}

function authorityOf({ host }: RequestHead): string {
  if (host === undefined || host === '') return 'localhost'
  if (!authorityPattern.test(host))
    throw new AmpouleError('InvalidRequest', 'the host header is not a host name with an optional port')
  return host
}

/** `Server-Timing` (W3C): milliseconds for waiting, restoring and the guest. */
function serverTiming(report: InvocationReport | undefined): string {
  if (report === undefined) return ''
  return `queue;dur=${report.queueMs.toFixed(3)}, restore;dur=${report.restoreMs.toFixed(3)}, guest;dur=${report.guestMs.toFixed(3)}`
}
