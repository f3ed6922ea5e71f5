import { Kind, Resource } from '../handles.ts'
import type { Failure } from './error.ts'
import type { Waitable } from './poll.ts'

/** A stream's end: `CLOSED`, or the failure that ended it. */
export type StreamError = Failure | typeof CLOSED
export const CLOSED = 'closed'

export const EMPTY = new Uint8Array(0)

export const INPUT_STREAM: Kind<InputStream> = new Kind('input-stream')
export const OUTPUT_STREAM: Kind<OutputStream> = new Kind('output-stream')

/** wasi:io/streams input-stream: bytes are looked at in place and then consumed, so that one copy brings them to the guest. */
export abstract class InputStream extends Resource implements Waitable {
  override readonly kind = INPUT_STREAM
  /** What can be read at once; empty when nothing is there (yet or any more). Valid until the next call. */
  abstract peek(): Uint8Array
  abstract consume(length: number): void
  /** Asked when `peek` gave nothing: why, when nothing will come any more. A failure is told once, then it is `CLOSED`. */
  abstract end(): StreamError | undefined
  abstract ready(): boolean
  abstract onReady(wake: () => void): () => void
}

/** wasi:io/streams output-stream. What is written counts as flushed: buffers are bounded and drain by themselves. */
export abstract class OutputStream extends Resource implements Waitable {
  override readonly kind = OUTPUT_STREAM
  /** Bytes that may be written now, 0 when the guest has to wait. */
  abstract permit(): number
  /** Takes all of `bytes`, a view of guest memory that is not kept. */
  abstract write(bytes: Uint8Array): StreamError | undefined
  /** Why nothing can be written any more. A failure is told once, then it is `CLOSED`. */
  abstract end(): StreamError | undefined
  ready(): boolean {
    return true
  }
  onReady(wake: () => void): () => void {
    queueMicrotask(wake)
    return () => undefined
  }
}

/** Bytes that a stream without a buffer of its own takes at once. */
export const DIRECT_PERMIT = 64 * 1024
