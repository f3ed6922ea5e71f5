import { describe, expect, it } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import type { HttpCall } from '../../src/wasi/contract.ts'
import { RESULT } from './driver.ts'
import { collect, HttpGuest, within } from './http-guest.ts'

const TYPES = 'wasi:http/types'

async function failure(promise: Promise<unknown>): Promise<AmpouleError> {
  const error: unknown = await within(promise, 'failure').then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof AmpouleError) return error
  throw new Error('did not fail as expected', { cause: error })
}

/** A guest with a request, which it has not answered. */
function asked(
  request: Parameters<HttpGuest['open']>[0] = {},
  limits: Parameters<HttpGuest['open']>[1] = {},
): { readonly guest: HttpGuest; readonly call: HttpCall } {
  const guest = new HttpGuest()
  return { guest, call: guest.open(request, limits) }
}

/** Sets a response whose body is open. */
function begin(guest: HttpGuest, call: HttpCall, status = 200): { readonly body: number; readonly stream: number } {
  const response = guest.response([], status)
  const parts = guest.body(response)
  guest.set(call.responseOut, response)
  return parts
}

interface Answering {
  readonly status?: number
  readonly limits?: Parameters<HttpGuest['open']>[1]
}

/** A guest that has begun to answer. */
function answering({ status, limits }: Answering = {}): ReturnType<typeof asked> & { readonly parts: ReturnType<typeof begin> } {
  const { guest, call } = asked({}, limits)
  return { guest, call, parts: begin(guest, call, status) }
}

describe('a wasi:http response', () => {
  it('comes as bytes when the guest completes it in one go', async () => {
    const { guest, call } = asked()
    guest.answer(call.responseOut, 'hello', [['Content-Type', 'text/plain']], 201)
    const response = await within(call.response, 'response')
    expect(response.status).toBe(201)
    expect(response.headers).toEqual([['content-type', 'text/plain']])
    expect(response.body).toEqual(new TextEncoder().encode('hello'))
  })

  it('gathers many small writes into one body', async () => {
    const { guest, call, parts } = answering()
    const words = Array.from({ length: 3000 }, (_, index) => `${index},`)
    for (const word of words) guest.write(parts.stream, word)
    guest.finishBody(parts)
    const { body } = await within(call.response, 'response')
    expect(body).toBeInstanceOf(Uint8Array)
    expect(await collect(body)).toBe(words.join(''))
  })

  it('may be complete before it is set', async () => {
    const { guest, call } = asked()
    const response = guest.response()
    const parts = guest.body(response)
    guest.write(parts.stream, 'early')
    guest.finishBody(parts)
    guest.set(call.responseOut, response)
    expect(await collect((await call.response).body)).toBe('early')
  })

  it('may have no body', async () => {
    const { guest, call } = asked()
    guest.set(call.responseOut, guest.response([], 204))
    expect(await call.response).toEqual({ status: 204, headers: [], body: null })
  })

  it('streams as soon as the guest gives up the thread, before the first byte', async () => {
    const { guest, call, parts } = answering()
    const { body } = await within(call.response, 'head')
    expect(body).toBeInstanceOf(ReadableStream)
    const text = collect(body)
    guest.write(parts.stream, 'one ')
    await new Promise(setImmediate)
    guest.write(parts.stream, 'two')
    expect(guest.finishBody(parts).getUint8(0)).toBe(0)
    expect(await within(text, 'body')).toBe('one two')
  })

  it('makes the guest wait while the reader is behind, and lets it go on when it reads', async () => {
    const { guest, call, parts } = answering()
    let sent = 0
    const chunk = new Uint8Array(65_536).fill(65)
    for (let permit = guest.permit(parts.stream); typeof permit === 'number' && permit > 0; permit = guest.permit(parts.stream)) {
      const piece = chunk.subarray(0, Math.min(permit, chunk.length))
      guest.write(parts.stream, piece)
      sent += piece.length
      guest.reset()
    }
    expect(sent).toBeLessThanOrEqual(1024 * 1024)
    expect(guest.environment.held).toBeGreaterThanOrEqual(sent)
    const blocked = guest.resultLater(
      'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
      parts.stream,
      ...guest.put('last'),
    )
    const { body } = await within(call.response, 'head')
    if (!(body instanceof ReadableStream)) throw new Error('not streamed')
    const text = collect(body)
    expect((await within(blocked, 'write')).getUint8(0)).toBe(0)
    guest.finishBody(parts)
    const all = await within(text, 'body')
    expect(all.length).toBe(sent + 4)
    expect(all.endsWith('Alast')).toBe(true)
  })

  it('tells the guest that the reader has gone', async () => {
    const { guest, call, parts } = answering()
    const { body } = await within(call.response, 'head')
    if (!(body instanceof ReadableStream)) throw new Error('not streamed')
    await body.cancel()
    expect(guest.permit(parts.stream)).toBe('closed')
  })

  it('fails when the guest returns without setting it', async () => {
    const { guest, call } = asked()
    guest.wasi.finish()
    expect((await failure(call.response)).code).toBe('InvalidResponse')
  })

  it('fails with the reason of a failed call', async () => {
    const { guest, call } = asked()
    guest.wasi.finish(new AmpouleError('FunctionTrapped', 'unreachable'))
    expect((await failure(call.response)).code).toBe('FunctionTrapped')
  })

  it('fails cleanly when the guest sets it and returns without finishing the body', async () => {
    const { guest, call, parts } = answering()
    guest.write(parts.stream, 'half')
    guest.wasi.finish()
    expect((await failure(call.response)).message).toContain('finished the response body')
  })

  it('ends a streamed body with an error when the guest ends early', async () => {
    const { guest, call, parts } = answering()
    const { body } = await within(call.response, 'head')
    guest.write(parts.stream, 'half')
    guest.wasi.finish()
    await expect(within(collect(body), 'body')).rejects.toThrow(/finished the response body/)
  })

  it('keeps what was finished readable after the restore', async () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    const call = guest.open()
    const parts = begin(guest, call)
    const { body } = await within(call.response, 'head')
    guest.write(parts.stream, 'whole')
    guest.finishBody(parts)
    guest.wasi.finish()
    guest.wasi.restore(state)
    expect(guest.environment.held).toBe(0)
    expect(await within(collect(body), 'body')).toBe('whole')
    expect(guest.environment.held).toBe(0)
  })

  it('becomes InvalidResponse naming the error-code that the guest answers with', async () => {
    const { guest, call } = asked()
    const [pointer, length] = guest.put('database is down')
    guest.call(`${TYPES}#[static]response-outparam.set`, call.responseOut, 1, 38, 1, BigInt(pointer), length, 0, 0, 0)
    const error = await failure(call.response)
    expect(error.code).toBe('InvalidResponse')
    expect(error.message).toContain('internal-error (database is down)')
  })

  it.each([
    [17, [1, 12n, 0, 0, 0, 0], 'HTTP-request-body-size (12 bytes)'],
    [21, [1, 12n, 0, 0, 0, 0], 'HTTP-request-header-section-size (12 bytes)'],
    [15, [0, 0n, 0, 0, 0, 0], 'HTTP-request-denied'],
  ] as const)('reads the flattened error-code %i', async (discriminant, payload, text) => {
    const { guest, call } = asked()
    guest.call(`${TYPES}#[static]response-outparam.set`, call.responseOut, 1, discriminant, ...payload)
    expect((await failure(call.response)).message).toContain(text)
  })

  it('may not be larger than the limit, and the guest learns why', async () => {
    const { guest, call, parts } = answering({ limits: { maxBodyBytes: 10 } })
    const view = guest.write(parts.stream, 'eleven byte')
    expect([view.getUint8(0), view.getUint8(4)]).toEqual([1, 0])
    const code = guest.result(`${TYPES}#http-error-code`, view.getUint32(8, true))
    expect([code.getUint8(0), code.getUint8(8), code.getUint8(16), code.getBigUint64(24, true)]).toEqual([1, 28, 1, 11n])
    expect((await failure(call.response)).code).toBe('ResponseTooLarge')
    expect(guest.permit(parts.stream)).toBe('closed')
  })

  it('may not have more headers than the limit', async () => {
    const { guest, call } = asked({}, { maxHeaderBytes: 300 })
    guest.answer(call.responseOut, '', [['x-large', 'x'.repeat(300)]])
    expect((await failure(call.response)).code).toBe('ResponseTooLarge')
  })

  it.each([
    ['5', 'four', 'InvalidResponse'],
    ['3', 'four', 'InvalidResponse'],
    ['4x', 'four', 'InvalidResponse'],
    ['99999999', 'four', 'ResponseTooLarge'],
  ])('with content-length %s and body "%s" fails as %s', async (length, text, code) => {
    const { guest, call } = asked()
    guest.answer(call.responseOut, text, [['content-length', length]])
    expect((await failure(call.response)).code).toBe(code)
  })

  it('with two different content-lengths is refused', async () => {
    const { guest, call } = asked()
    guest.answer(call.responseOut, 'four', [
      ['content-length', '4'],
      ['content-length', '5'],
    ])
    expect((await failure(call.response)).code).toBe('InvalidResponse')
  })

  it('to HEAD may promise a length and send nothing', async () => {
    const { guest, call } = asked({ method: 'HEAD' })
    guest.answer(call.responseOut, '', [['content-length', '1234']])
    expect((await within(call.response, 'response')).headers).toEqual([['content-length', '1234']])
  })

  it.each([204, 205, 304])('with status %i has no body, however the guest sends it', async (status) => {
    const { guest, call, parts } = answering({ status })
    expect((await within(call.response, 'response')).body).toBeNull()
    expect(guest.finishBody(parts).getUint8(0)).toBe(0)
    const other = answering({ status })
    expect(other.guest.write(other.parts.stream, 'content').getUint8(0)).toBe(1)
    expect(other.guest.permit(other.parts.stream)).toBe('closed')
  })

  it('that comes after the call has failed closes its body', async () => {
    const guest = new HttpGuest()
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(20)) })
    const call = guest.open({ body }, { maxBodyBytes: 10 })
    await guest.read(guest.consume(call.request).stream)
    const { stream } = begin(guest, call)
    expect(guest.permit(stream)).toBe('closed')
    expect((await failure(call.response)).code).toBe('PayloadTooLarge')
  })

  it.each([0, 100, 199, 600, 999, 65_535])('cannot have status %i', (status) => {
    const guest = new HttpGuest()
    const response = guest.response()
    expect(guest.call(`${TYPES}#[method]outgoing-response.set-status-code`, response, status)).toBe(1)
    expect(guest.call(`${TYPES}#[method]outgoing-response.status-code`, response)).toBe(200)
  })

  it('cannot be set twice, nor without a response', () => {
    const { guest, call } = asked()
    expect(() => guest.set(call.responseOut, call.request)).toThrow(WebAssembly.RuntimeError)
  })

  it('traps when it is given away while a look at its headers is alive', () => {
    const { guest, call } = asked()
    const response = guest.response()
    guest.call(`${TYPES}#[method]outgoing-response.headers`, response)
    expect(() => guest.set(call.responseOut, response)).toThrow(/children/)
  })

  it('traps when the body is finished while its stream is alive', () => {
    const guest = new HttpGuest()
    const { body } = guest.body(guest.response())
    expect(() => guest.call(`${TYPES}#[static]outgoing-body.finish`, body, 0, 0, RESULT)).toThrow(/children/)
  })

  it('accepts and drops trailers', async () => {
    const { guest, call, parts } = answering()
    guest.write(parts.stream, 'x')
    expect(guest.finishBody(parts, guest.fields([['x-trailer', 'y']])).getUint8(0)).toBe(0)
    expect(await collect((await call.response).body)).toBe('x')
  })
})
