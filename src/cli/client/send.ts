import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { encode, type BoundRequest, type ReceivedAnswer } from './binding.ts'

export interface SendOptions {
  readonly signal: AbortSignal
  /** Called while a body is sent, with the bytes that the connection has taken. */
  readonly onUpload: ((sent: number, total: number) => void) | undefined
}

/** So much of a body is written at a time: progress is told after each. */
const CHUNK_BYTES = 256 * 1024

/** Rejects with what the connection failed with, or with the signal's reason. */
export async function send(
  { method, path, query, body }: BoundRequest,
  headers: Readonly<Record<string, string>>,
  url: URL,
  { signal, onUpload }: SendOptions,
): Promise<ReceivedAnswer> {
  const search = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  const begin = url.protocol === 'https:' ? httpsRequest : httpRequest
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedAnswer>()
  const request = begin(
    url,
    {
      method,
      path: search === '' ? path : `${path}?${search}`,
      headers: { ...headers, 'content-length': body.length },
      // A command makes few requests, some of which a host answers by closing.
      agent: false,
      signal,
    },
    (response) => {
      const { statusCode: status = 0 } = response
      const received = Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')] as const)
      buffer(response).then((bytes) => resolve({ status, headers: Object.fromEntries(received), body: bytes }), reject)
    },
  )
  request.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error))
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const end = Math.min(at + CHUNK_BYTES, body.length)
    request.write(body.subarray(at, end), () => onUpload?.(end, body.length))
  }
  request.end()
  return promise
}
