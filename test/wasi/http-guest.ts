import type { GuestRequest, HttpCall } from '../../src/wasi/contract.ts'
import { Guest } from './driver.ts'

export const LIMITS = { maxBodyBytes: 1024 * 1024, maxHeaderBytes: 16 * 1024 }
const TYPES = 'wasi:http/types'
const STREAMS = 'wasi:io/streams'

export const REQUEST: GuestRequest = {
  method: 'POST',
  scheme: 'http',
  authority: 'example.test',
  pathWithQuery: '/path?query=1',
  headers: [
    ['Content-Type', 'text/plain'],
    ['x-double', 'one'],
    ['x-double', 'two'],
    ['Connection', 'close'],
  ],
  body: null,
}

/** What a wasi:http guest does, in steps. */
export class HttpGuest extends Guest {
  open(request: Partial<GuestRequest> = {}, limits: Partial<typeof LIMITS> = {}): HttpCall {
    return this.wasi.http({ ...REQUEST, ...request }, { ...LIMITS, ...limits })
  }

  fields(entries: readonly (readonly [string, string])[] = []): number {
    return this.owned(`${TYPES}#[static]fields.from-list`, ...this.putPairs(entries))
  }

  putPairs(entries: readonly (readonly [string, string])[]): [number, number] {
    return [this.putList(entries.flat())[0], entries.length]
  }

  response(headers: readonly (readonly [string, string])[] = [], status = 200): number {
    const response = this.number(`${TYPES}#[constructor]outgoing-response`, this.fields(headers))
    if (this.number(`${TYPES}#[method]outgoing-response.set-status-code`, response, status) !== 0)
      throw new Error('status refused')
    return response
  }

  /** Body and stream of an outgoing response. */
  body(response: number): { body: number; stream: number } {
    const body = this.owned(`${TYPES}#[method]outgoing-response.body`, response)
    return { body, stream: this.owned(`${TYPES}#[method]outgoing-body.write`, body) }
  }

  set(out: number, response: number): void {
    this.call(`${TYPES}#[static]response-outparam.set`, out, 0, response, 0, 0n, 0, 0, 0, 0)
  }

  write(stream: number, data: string | Uint8Array): DataView {
    return this.result(`${STREAMS}#[method]output-stream.write`, stream, ...this.put(data))
  }

  /** Bytes that may be written, or the stream-error's case. */
  permit(stream: number): number | 'failed' | 'closed' {
    const view = this.result(`${STREAMS}#[method]output-stream.check-write`, stream)
    if (view.getUint8(0) === 0) return Number(view.getBigUint64(8, true))
    return view.getUint8(8) === 0 ? 'failed' : 'closed'
  }

  /** Drops the stream and finishes the body; gives the result. */
  finishBody(parts: { body: number; stream: number }, trailers?: number): DataView {
    this.call(`${STREAMS}#[drop]output-stream`, parts.stream)
    return this.result(`${TYPES}#[static]outgoing-body.finish`, parts.body, trailers === undefined ? 0 : 1, trailers ?? 0)
  }

  /** A whole small response. */
  answer(out: number, text: string, headers: readonly (readonly [string, string])[] = [], status = 200): void {
    const response = this.response(headers, status)
    const parts = this.body(response)
    this.set(out, response)
    this.write(parts.stream, text)
    this.finishBody(parts)
  }

  /** The body's handle and its stream's. */
  consume(request: number): { body: number; stream: number } {
    const body = this.owned(`${TYPES}#[method]incoming-request.consume`, request)
    return { body, stream: this.owned(`${TYPES}#[method]incoming-body.stream`, body) }
  }

  /** Text that can be read at once, or the stream-error's case. */
  readNow(stream: number, length = 65_536n): string | { error: 'failed' | 'closed'; handle: number } {
    return this.#text(this.result(`${STREAMS}#[method]input-stream.read`, stream, length))
  }

  async read(stream: number, length = 65_536n): Promise<string | { error: 'failed' | 'closed'; handle: number }> {
    return this.#text(await this.resultLater(`${STREAMS}#[method]input-stream.blocking-read`, stream, length))
  }

  #text(view: DataView): string | { error: 'failed' | 'closed'; handle: number } {
    if (view.getUint8(0) === 1) return { error: view.getUint8(4) === 0 ? 'failed' : 'closed', handle: view.getUint32(8, true) }
    return this.textAt(view.byteOffset + 4)
  }
}

/** Rejects instead of hanging; nothing here takes long. */
export function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(new Error(`${what} did not come`)), 5_000)
  return Promise.race([promise, deadline.promise]).finally(() => clearTimeout(timer))
}

export async function collect(body: ReadableStream<Uint8Array> | Uint8Array | null): Promise<string> {
  return body === null ? '' : new Response(body instanceof Uint8Array ? body.slice() : body).text()
}
