import { AmpouleError } from '../../errors.ts'
import type { Host } from '../host.ts'
import type { Failure } from '../io/error.ts'
import { Waiters, type Waitable } from '../io/poll.ts'
import { CLOSED, type StreamError } from '../io/streams.ts'

/** Bytes that a guest may be ahead of whoever reads its body. Whole bodies up to this size need no stream. */
const PIPE_CAPACITY = 256 * 1024
/** Writes below this size are gathered into blocks, so that a chunk's overhead stays small beside its bytes. */
const SMALL_WRITE = 1024
const BLOCK = 4096

/**
 * An outgoing body between the guest that writes it and the one who reads it.
 *
 * open -> complete (the guest finished it: what is buffered can still be read)
 * open -> broken (it can no longer become complete: too large, wrong length, dropped, reader gone, call over)
 * Nothing leaves complete or broken.
 */
export class BodyPipe implements Waitable {
  #state: 'open' | 'complete' | 'broken' = 'open'
  #chunks: Uint8Array[] = []
  /** Bytes used of the last chunk, when it is a block with room; -1 otherwise. */
  #tailUsed = -1
  #buffered = 0
  /** What the account was charged for the chunks. */
  #held = 0
  #written = 0
  #end: StreamError | undefined
  #error: AmpouleError | undefined
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined
  #wanted: (() => void) | undefined
  #host: Host | undefined
  readonly #writers = new Waiters()
  /** Told at every change of state, and when the buffer is full. */
  onChange: (() => void) | undefined
  /** Longest body; set when it is known for what the body is. */
  maxBytes = Number.MAX_SAFE_INTEGER
  /** What content-length promises. */
  expectedBytes: number | undefined
  /** HEAD and 304 promise a length and send nothing. */
  mayBeEmpty = false

  constructor(host: Host) {
    this.#host = host
  }

  get state(): 'open' | 'complete' | 'broken' {
    return this.#state
  }

  get error(): AmpouleError | undefined {
    return this.#error
  }

  get full(): boolean {
    return this.#buffered >= PIPE_CAPACITY
  }

  permit(): number {
    return this.#state === 'open' ? PIPE_CAPACITY - this.#buffered : 0
  }

  ready(): boolean {
    return this.#state !== 'open' || this.#buffered < PIPE_CAPACITY
  }

  onReady(wake: () => void): () => void {
    return this.#writers.add(wake)
  }

  end(): StreamError | undefined {
    const end = this.#end
    if (end !== undefined && end !== CLOSED) this.#end = CLOSED
    return end
  }

  /** Takes a copy of `bytes`, which fit. */
  write(bytes: Uint8Array): StreamError | undefined {
    const written = this.#written + bytes.length
    if (written > this.maxBytes) return this.#refuse(tooLarge(this.maxBytes), written)
    if (this.expectedBytes !== undefined && written > this.expectedBytes)
      return this.#refuse(wrongLength(this.expectedBytes), written)
    this.#written = written
    this.#append(bytes)
    this.#buffered += bytes.length
    this.#wanted?.()
    if (this.full) this.onChange?.()
    return undefined
  }

  /** The guest says that this was all: gives what is wrong about that. */
  finish(): Failure | undefined {
    if (this.#state === 'broken') return { message: 'the body has failed before', http: { case: 'HTTP-response-incomplete' } }
    if (this.expectedBytes !== undefined && this.#written !== this.expectedBytes && !(this.mayBeEmpty && this.#written === 0)) {
      const failure = bodySize('the body is shorter than its content-length', this.#written)
      this.fail(wrongLength(this.expectedBytes), CLOSED)
      return failure
    }
    this.#state = 'complete'
    this.#end = CLOSED
    this.onChange?.()
    this.#wanted?.()
    return undefined
  }

  /** No more: the reader gets `error`, the guest `end`. */
  fail(error: AmpouleError, end: StreamError): void {
    if (this.#state !== 'open') return
    this.#state = 'broken'
    this.#error = error
    this.#end = end
    this.#discard()
    this.#reader?.error(error)
    this.onChange?.()
    this.#writers.wake()
  }

  /** The instance goes its way: what is buffered is the reader's from now on. */
  detach(): void {
    this.#release(this.#held)
    this.#host = undefined
    this.onChange = undefined
  }

  /** All of a complete body. */
  takeBytes(): Uint8Array | null {
    this.#closeTail()
    const chunks = this.#chunks
    this.#chunks = []
    const first = chunks[0]
    if (chunks.length <= 1) return first ?? null
    const bytes = new Uint8Array(this.#buffered)
    let offset = 0
    for (const chunk of chunks) {
      bytes.set(chunk, offset)
      offset += chunk.length
    }
    return bytes
  }

  /** The body as it comes. */
  takeStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#reader = controller
        },
        pull: (controller) =>
          new Promise<void>((resolve) => {
            this.#wanted = () => {
              if (!this.#deliver(controller)) return
              this.#wanted = undefined
              resolve()
            }
            this.#wanted()
          }),
        cancel: () => {
          this.#wanted = undefined
          this.#reader = undefined
          this.fail(new AmpouleError('Cancelled', 'the client has gone away'), CLOSED)
          this.#discard()
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** One answer to the reader, when there is one. */
  #deliver(controller: ReadableStreamDefaultController<Uint8Array>): boolean {
    if (this.#chunks.length === 1) this.#closeTail()
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      const wasFull = this.full
      this.#buffered -= chunk.length
      this.#release(chunk.length)
      controller.enqueue(chunk)
      if (wasFull) this.#writers.wake()
      return true
    }
    if (this.#state === 'complete') controller.close()
    return this.#state !== 'open'
  }

  #append(bytes: Uint8Array): void {
    const tail = this.#chunks.at(-1)
    if (tail !== undefined && this.#tailUsed >= 0 && this.#tailUsed + bytes.length <= tail.length) {
      tail.set(bytes, this.#tailUsed)
      this.#tailUsed += bytes.length
      return
    }
    this.#closeTail()
    if (this.#chunks.length === 0 || bytes.length >= SMALL_WRITE) {
      this.#hold(bytes.length)
      this.#chunks.push(bytes.slice())
      return
    }
    this.#hold(BLOCK)
    const block = new Uint8Array(BLOCK)
    block.set(bytes)
    this.#chunks.push(block)
    this.#tailUsed = bytes.length
  }

  /** Cuts the last chunk to what is used of it. */
  #closeTail(): void {
    const tail = this.#chunks.at(-1)
    if (tail === undefined || this.#tailUsed < 0) return
    this.#chunks[this.#chunks.length - 1] = tail.subarray(0, this.#tailUsed)
    this.#release(tail.length - this.#tailUsed)
    this.#tailUsed = -1
  }

  #discard(): void {
    this.#closeTail()
    this.#release(this.#held)
    this.#chunks = []
    this.#buffered = 0
  }

  #hold(bytes: number): void {
    this.#host?.account.hold(bytes, 'a body')
    this.#held += bytes
  }

  #release(bytes: number): void {
    this.#host?.account.release(bytes)
    this.#held -= bytes
  }

  #refuse(error: AmpouleError, written: number): StreamError {
    this.fail(error, CLOSED)
    return bodySize(error.message, written)
  }
}

function bodySize(message: string, written: number): Failure {
  return { message, http: { case: 'HTTP-response-body-size', size: BigInt(written) } }
}

function tooLarge(maxBytes: number): AmpouleError {
  return new AmpouleError('ResponseTooLarge', `the response body exceeds ${maxBytes} bytes (maxResponseBytes)`)
}

function wrongLength(expected: number): AmpouleError {
  return new AmpouleError(
    'InvalidResponse',
    `the response body does not have the ${expected} bytes that its content-length or status asks for`,
  )
}
