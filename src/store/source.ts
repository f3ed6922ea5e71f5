import type { ReceivedMessage, VisibilityChange } from './queue.ts'

/** Where a trigger gets messages from: a queue of the host, or something elsewhere. Each is at one receiver at a time and comes again until it is acknowledged. */
export interface MessageSource {
  /** Why there is nothing to be had now, in words for everybody; undefined: there may be something, or the host's own queues are the reason. */
  readonly trouble: string | undefined
  /** What there is, up to `limit`; waits for it up to `waitMs` milliseconds, or until the signal is aborted. */
  receive(options: {
    readonly limit: number
    readonly waitMs: number
    readonly signal: AbortSignal
  }): Promise<readonly ReceivedMessage[]>
  acknowledge(receipts: readonly string[]): Promise<void>
  /** Messages come again in so long. */
  changeVisibility(changes: readonly VisibilityChange[]): Promise<void>
  /** Messages come again by themselves, when their time is over. */
  leave(receipts: readonly string[]): void
  close(): Promise<void>
}
