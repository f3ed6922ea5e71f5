import type { FilesystemErrorCode } from '../filesystem/error-code.ts'
import { Kind, Resource } from '../handles.ts'
import type { HttpErrorCode } from '../http/error-code.ts'
import type { SavedResource } from '../state.ts'

/** Why a stream operation failed, as the packages downcast it. */
export interface Failure {
  readonly message: string
  readonly filesystem?: FilesystemErrorCode
  readonly http?: HttpErrorCode
}

export const IO_ERROR: Kind<IoError> = new Kind('error')

/** wasi:io/error error. */
export class IoError extends Resource {
  override readonly kind = IO_ERROR
  readonly failure: Failure

  constructor(failure: Failure) {
    super()
    this.failure = failure
  }

  override describe(): SavedResource {
    return { type: 'error', failure: this.failure }
  }
}
