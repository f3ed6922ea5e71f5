import { AmpouleError } from '../../errors.ts'
import { exceeded } from '../account.ts'
import type { Host } from '../host.ts'
import { Waiters, type Waitable } from '../io/poll.ts'
import { CLOSED, EMPTY, type StreamError } from '../io/streams.ts'

type Reader = ReadableStreamDefaultReader<Uint8Array>

/**
 * The body of an incoming request on its way into the guest: one chunk is held at a time, and the next is asked for when the guest
 * has taken it, so that a slow guest slows its client down. What arrives after `close` is dropped.
 */
export class BodySource implements Waitable {
  #chunk: Uint8Array = EMPTY
  #offset = 0
  #end: StreamError | undefined
  #reader: Reader | undefined
  #pulling = false
  #received = 0
  readonly #waiters = new Waiters()
  readonly #host: Host
  readonly #maxBytes: number
  readonly #fail: (error: AmpouleError) => void

  /** `fail` is told when the body ends the call: too large, or more than the memory account holds. */
  constructor(
    body: ReadableStream<Uint8Array> | Uint8Array | null,
    maxBytes: number,
    host: Host,
    fail: (error: AmpouleError) => void,
  ) {
    this.#host = host
    this.#maxBytes = maxBytes
    this.#fail = fail
    this.#end = body === null ? CLOSED : undefined
    if (body instanceof Uint8Array) {
      if (body.length > maxBytes) throw tooLarge(maxBytes)
      host.account.hold(body.length, 'the request body')
      this.#chunk = body
      this.#end = CLOSED
    } else if (body !== null) {
      this.#reader = body.getReader()
    }
  }

  /** Everything was read, or the body failed. */
  get ended(): boolean {
    return this.#end !== undefined && this.#offset === this.#chunk.length
  }

  peek(): Uint8Array {
    if (this.#offset < this.#chunk.length) return this.#offset === 0 ? this.#chunk : this.#chunk.subarray(this.#offset)
    this.#pull()
    return EMPTY
  }

  consume(length: number): void {
    this.#offset += length
    if (length > 0 && this.#offset === this.#chunk.length) {
      this.#dropChunk()
      this.#pull()
    }
  }

  end(): StreamError | undefined {
    const end = this.#end
    if (end !== undefined && end !== CLOSED) this.#end = CLOSED
    return end
  }

  ready(): boolean {
    if (this.#offset < this.#chunk.length || this.#end !== undefined) return true
    this.#pull()
    return false
  }

  onReady(wake: () => void): () => void {
    return this.#waiters.add(wake)
  }

  /** Nobody reads any more: the client is told to stop. */
  close(): void {
    const reader = this.#reader
    this.#reader = undefined
    this.#end ??= CLOSED
    this.#dropChunk()
    this.#waiters.wake()
    reader?.cancel().catch(() => undefined)
  }

  #dropChunk(): void {
    if (this.#chunk.length === 0) return
    this.#host.account.release(this.#chunk.length)
    this.#chunk = EMPTY
    this.#offset = 0
  }

  #pull(): void {
    const reader = this.#reader
    if (reader === undefined || this.#pulling) return
    this.#pulling = true
    reader.read().then(
      ({ done, value }) => {
        this.#pulling = false
        // closed meanwhile: the invocation may be over, and this source belongs to nobody
        if (this.#reader !== reader) return
        if (done) this.#finish(CLOSED)
        else this.#receive(value)
      },
      () => {
        this.#pulling = false
        if (this.#reader !== reader) return
        this.#finish({ message: 'the client ended the request body early', http: { case: 'connection-terminated' } })
      },
    )
  }

  #receive(chunk: Uint8Array): void {
    this.#received += chunk.length
    if (this.#received > this.#maxBytes) {
      const size = BigInt(this.#received)
      this.#abandon(tooLarge(this.#maxBytes), {
        message: 'the request body is too large',
        http: { case: 'HTTP-request-body-size', size },
      })
    } else if (chunk.length === 0) {
      this.#pull()
    } else if (!this.#host.account.tryHold(chunk.length)) {
      const text = 'the request body exceeds the memory limit'
      this.#abandon(exceeded(chunk.length, 'the request body'), { message: text, http: { case: 'internal-error', text } })
    } else {
      this.#chunk = chunk
      this.#offset = 0
      this.#waiters.wake()
    }
  }

  #abandon(error: AmpouleError, end: StreamError): void {
    const reader = this.#reader
    this.#finish(end)
    reader?.cancel(error).catch(() => undefined)
    this.#fail(error)
  }

  #finish(end: StreamError): void {
    this.#reader = undefined
    this.#end = end
    this.#waiters.wake()
  }
}

function tooLarge(maxBytes: number): AmpouleError {
  return new AmpouleError('PayloadTooLarge', `the request body exceeds ${maxBytes} bytes (maxRequestBytes)`)
}
