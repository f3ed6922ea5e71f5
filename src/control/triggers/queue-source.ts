import type { ReceivedMessage, VisibilityChange } from '../../store/queue.ts'
import type { MessageSource } from '../../store/source.ts'
import type { Queues } from '../queues.ts'

/** A queue of the host. */
export class QueueSource implements MessageSource {
  readonly trouble = undefined
  readonly #queues: Queues
  readonly #queue: string

  constructor(queues: Queues, queue: string) {
    this.#queues = queues
    this.#queue = queue
  }

  receive(options: Parameters<MessageSource['receive']>[0]): Promise<readonly ReceivedMessage[]> {
    return this.#queues.receive(this.#queue, options)
  }

  async acknowledge(receipts: readonly string[]): Promise<void> {
    await this.#queues.engine.acknowledge(this.#queue, receipts)
  }

  async changeVisibility(changes: readonly VisibilityChange[]): Promise<void> {
    await this.#queues.engine.changeVisibility(this.#queue, changes)
    if (changes.some(({ visibilityMs }) => visibilityMs === 0)) this.#queues.wake(this.#queue)
  }

  leave(): void {
    // The queue knows when their time is over.
  }

  close(): Promise<void> {
    // The host's.
    return Promise.resolve()
  }
}
