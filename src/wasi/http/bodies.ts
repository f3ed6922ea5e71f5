import { Kind, Resource } from '../handles.ts'
import type { Host } from '../host.ts'
import { plain, type HostFunction } from '../interface.ts'
import { Pollable, type Waitable } from '../io/poll.ts'
import { CLOSED, InputStream, OutputStream, type StreamError } from '../io/streams.ts'
import type { GuestMemory } from '../memory.ts'
import { undescribable, type Describer, type SavedResource } from '../state.ts'
import { AmpouleError } from '../../errors.ts'
import { trap } from '../trap.ts'
import { putErrorResult } from './error-code.ts'
import { FIELDS } from './fields.ts'
import type { BodyPipe } from './pipe.ts'
import type { BodySource } from './source.ts'

export const INCOMING_BODY: Kind<IncomingBody> = new Kind('incoming-body')
export const OUTGOING_BODY: Kind<OutgoingBody> = new Kind('outgoing-body')
export const FUTURE_TRAILERS: Kind<FutureTrailers> = new Kind('future-trailers')

/** wasi:http/types incoming-body. */
export class IncomingBody extends Resource {
  override readonly kind = INCOMING_BODY
  readonly source: BodySource
  streamTaken = false

  constructor(source: BodySource) {
    super()
    this.source = source
  }

  override close(): void {
    this.source.close()
  }

  override describe(): SavedResource {
    return undescribable(this.kind.name)
  }
}

/** The stream of an incoming-body. */
class BodyInput extends InputStream {
  readonly #source: BodySource

  constructor(source: BodySource) {
    super()
    this.#source = source
  }

  override peek(): Uint8Array {
    return this.#source.peek()
  }
  override consume(length: number): void {
    this.#source.consume(length)
  }
  override end(): StreamError | undefined {
    return this.#source.end()
  }
  override ready(): boolean {
    return this.#source.ready()
  }
  override onReady(wake: () => void): () => void {
    return this.#source.onReady(wake)
  }
  override describe(): SavedResource {
    return this.#source.ended ? { type: 'ended-input' } : undescribable('input-stream of a body')
  }
}

/** wasi:http/types future-trailers: always ready, and there are none, because the gateway does not keep the trailers of requests. */
export class FutureTrailers extends Resource implements Waitable {
  override readonly kind = FUTURE_TRAILERS
  taken: boolean

  constructor(taken: boolean) {
    super()
    this.taken = taken
  }

  ready(): boolean {
    return true
  }

  onReady(wake: () => void): () => void {
    queueMicrotask(wake)
    return () => undefined
  }

  override describe(_describer: Describer): SavedResource {
    return { type: 'future-trailers', taken: this.taken }
  }
}

/** wasi:http/types outgoing-body. */
export class OutgoingBody extends Resource {
  override readonly kind = OUTGOING_BODY
  readonly pipe: BodyPipe
  streamTaken = false

  constructor(pipe: BodyPipe) {
    super()
    this.pipe = pipe
  }

  override close(): void {
    this.pipe.fail(new AmpouleError('InvalidResponse', 'the function dropped the response body without finishing it'), CLOSED)
  }

  override describe(): SavedResource {
    return undescribable(this.kind.name)
  }
}

/** The stream of an outgoing-body. */
class BodyOutput extends OutputStream {
  readonly #pipe: BodyPipe

  constructor(pipe: BodyPipe) {
    super()
    this.#pipe = pipe
  }

  override permit(): number {
    return this.#pipe.permit()
  }
  override write(bytes: Uint8Array): StreamError | undefined {
    return this.#pipe.write(bytes)
  }
  override end(): StreamError | undefined {
    return this.#pipe.end()
  }
  override ready(): boolean {
    return this.#pipe.ready()
  }
  override onReady(wake: () => void): () => void {
    return this.#pipe.onReady(wake)
  }
  override describe(): SavedResource {
    return undescribable('output-stream of a body')
  }
}

/** result<own<T>>: undefined is the error. */
export function putOwned(memory: GuestMemory, result: number, handle: number | undefined): void {
  const area = memory.area(result, 8, 4)
  area.u8(0, handle === undefined ? 1 : 0)
  if (handle !== undefined) area.u32(4, handle)
}

function inputStream(host: Host, body: IncomingBody): number | undefined {
  if (body.streamTaken) return undefined
  body.streamTaken = true
  return host.table.add(new BodyInput(body.source), body)
}

function outputStream(host: Host, body: OutgoingBody): number | undefined {
  if (body.streamTaken) return undefined
  body.streamTaken = true
  return host.table.add(new BodyOutput(body.pipe), body)
}

/** wasi:http/types incoming-body, outgoing-body and future-trailers. */
export const bodyFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]incoming-body.stream': plain((host, memory) => (self: number, result: number) => {
    putOwned(memory, result, inputStream(host, host.table.get(self, INCOMING_BODY)))
  }),
  '[static]incoming-body.finish': plain((host) => (self: number) => {
    host.table.take(self, INCOMING_BODY).close()
    return host.table.add(new FutureTrailers(false))
  }),
  '[method]future-trailers.subscribe': plain((host) => (self: number) => {
    const future = host.table.get(self, FUTURE_TRAILERS)
    return host.table.add(new Pollable(future), future)
  }),
  '[method]future-trailers.get': plain((host, memory) => (self: number, result: number) => {
    const future = host.table.get(self, FUTURE_TRAILERS)
    // option<result<result<option<trailers>, error-code>>>: some(ok(ok(none))), then some(err)
    const area = memory.area(result, 56, 8)
    area.u8(0, 1)
    area.u8(8, future.taken ? 1 : 0)
    area.u8(16, 0)
    area.u8(24, 0)
    if (!future.taken) future.changes++
    future.taken = true
  }),
  '[method]outgoing-body.write': plain((host, memory) => (self: number, result: number) => {
    putOwned(memory, result, outputStream(host, host.table.get(self, OUTGOING_BODY)))
  }),
  '[static]outgoing-body.finish': plain(
    (host, memory) => (self: number, hasTrailers: number, trailers: number, result: number) => {
      if (hasTrailers >>> 0 > 1) trap(`option discriminant ${hasTrailers >>> 0}`)
      const body = host.table.take(self, OUTGOING_BODY)
      // trailers may be dropped on the way (RFC 9110, 6.5.1), and here they are
      if (hasTrailers === 1) host.table.drop(trailers, FIELDS)
      putErrorResult(memory, result, body.pipe.finish()?.http)
    },
  ),
}
