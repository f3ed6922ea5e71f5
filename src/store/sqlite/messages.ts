/** What goes between a thread that owns a database (group.ts) and those that ask it (thread.ts). */
export interface ToThread<Request> {
  readonly id: number
  readonly request: Request | 'close'
}

export type FromThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** `wrote`: it is on disk. */
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown; readonly wrote: boolean }
  | { readonly kind: 'error'; readonly id: number; readonly error: ThreadError }

/** An error without its class, which does not survive the way. */
export interface ThreadError {
  readonly name: string
  /** `StoreUnavailable`: the disk could not be written. */
  readonly code: string | undefined
  readonly message: string
}
