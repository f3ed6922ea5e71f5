import type { Describer, SavedResource } from '../state.ts'
import { CLOSED, EMPTY, InputStream, type StreamError } from './streams.ts'

/** An input-stream at its end: stdin, which functions do not have, and bodies that were read. */
export class EndedInput extends InputStream {
  override peek(): Uint8Array {
    return EMPTY
  }
  override consume(_length: number): void {
    // nothing to consume
  }
  override end(): StreamError {
    return CLOSED
  }
  override ready(): boolean {
    return true
  }
  override onReady(wake: () => void): () => void {
    queueMicrotask(wake)
    return () => undefined
  }
  override describe(_describer: Describer): SavedResource {
    return { type: 'ended-input' }
  }
}
