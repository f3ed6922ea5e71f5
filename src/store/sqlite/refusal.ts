import { AmpouleError, type ErrorCode } from '../../errors.ts'
import type { ThreadError } from './messages.ts'
import { storeFailed } from './thread.ts'

/** Something that the caller asked for cannot be. `code` is that of an `AmpouleError`. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: 'QueueNotFound' | 'StreamNotFound' | 'InvalidRequest'

  constructor(code: Refusal['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** What a thread failed with, to those who asked it. */
export const refused = (error: ThreadError): AmpouleError =>
  error.name === 'Refusal' ? new AmpouleError(error.code as ErrorCode, error.message) : storeFailed(error)
