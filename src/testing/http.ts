import type { Invocation } from '../invoke/invocation.ts'
import { payloadTooLarge, runHttp, wayFor, type HostedFunction } from '../invoke/invoke.ts'
import { AmpouleError } from '../errors.ts'
import { invokeHttpEvent } from '../triggers/http-invoke.ts'
import { REQUEST_ID_HEADER, requestHead, responseHead, type ResponseHead } from '../triggers/http-headers.ts'

/** Where requests go that name no host. */
const ORIGIN = 'http://localhost'

/** Fetch: a response with one of these statuses has no body. */
const BODILESS: readonly number[] = [204, 205, 304]

/** Takes a request to the function as the server does (src/triggers/http.ts), without a connection. */
export async function fetchFrom(
  target: HostedFunction,
  invocation: Invocation,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> {
  const request = input instanceof Request ? new Request(input, init) : new Request(new URL(input, ORIGIN), init)
  const { method, signal } = request
  const cancel = (): void => invocation.abort(new AmpouleError('Cancelled', 'the request was aborted'))
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const url = new URL(request.url)
  const { limits } = target.runner.spec
  const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer())
  if (body !== null && body.byteLength > limits.maxRequestBytes) throw payloadTooLarge(body.byteLength, limits.maxRequestBytes)
  const headers = headersOf(request, url, body)
  if (wayFor(target) === 'event') {
    const input = { method, url: `${url.origin}${url.pathname}${url.search}`, headers, body }
    const { answer } = await invokeHttpEvent(target, invocation, input)
    return responseOf(method, answer.head, answer.body, invocation)
  }
  const { response } = await runHttp(target, invocation, {
    method,
    scheme: url.protocol.slice(0, -1),
    authority: url.host,
    pathWithQuery: `${url.pathname}${url.search}`,
    headers,
    body,
  })
  return responseOf(method, responseHead(response.status, response.headers), response.body, invocation)
}

/** As the server passes them on; those that a client adds by itself are added. */
function headersOf(request: Request, url: URL, body: Uint8Array | null): readonly (readonly [string, string])[] {
  const given = [...request.headers]
  if (!request.headers.has('host')) given.unshift(['host', url.host])
  if (body !== null && !request.headers.has('content-length')) given.push(['content-length', String(body.byteLength)])
  return requestHead(given.flat(), '').headers
}

function responseOf(
  method: string,
  { status, headers, contentLength }: ResponseHead,
  body: ReadableStream<Uint8Array> | Uint8Array | null,
  { requestId }: Invocation,
): Response {
  const given = new Headers([[REQUEST_ID_HEADER, requestId]])
  for (let index = 0; index + 1 < headers.length; index += 2) given.append(headers[index] ?? '', headers[index + 1] ?? '')
  const length = body instanceof ReadableStream || body === null ? contentLength : body.byteLength
  if (length !== undefined) given.set('content-length', String(length))
  const bodiless = method === 'HEAD' || BODILESS.includes(status)
  const content = body instanceof Uint8Array ? Buffer.from(body) : body
  return new Response(bodiless ? null : content, { status, headers: given })
}
