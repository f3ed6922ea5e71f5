import { parseQueueArn } from '../../functions/queue-arn.ts'
import { readPattern } from '../../functions/pattern/pattern.ts'
import type { Store } from '../../store/contract.ts'
import type { EventSourceMappingRecord } from '../../store/records.ts'
import type { BatchOutcome, TakenBatch } from '../lane-protocol.ts'
import { mappingOf } from './mapping.ts'
import { QueuePoller, type QueueMapping, type QueuePollerOptions } from './queue-poller.ts'

export interface QueueTriggersOptions extends Omit<QueuePollerOptions, 'ready'> {
  readonly store: Store
  /** Tells lanes that there is a batch to take. */
  readonly wake: () => Promise<void>
}

/** Pages of the store. */
const PAGE = 100

/** Event source mappings of queues, at work. */
export class QueueTriggers {
  readonly #options: QueueTriggersOptions
  /** By UUID. Functions take turns in the order of this map. */
  readonly #pollers = new Map<string, QueuePoller>()
  /** Changes, one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #closed = false
  #told = false

  constructor(options: QueueTriggersOptions) {
    this.#options = options
  }

  /** Takes up all mappings that there are. */
  async start(): Promise<void> {
    let after: readonly [string] | undefined
    for (;;) {
      const page = await this.#options.store.list('event_source_mappings', {
        limit: PAGE,
        ...(after !== undefined && { after }),
      })
      for (const record of page) await this.apply(record.uuid)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      after = [last.uuid]
    }
  }

  /** After a mapping was created, changed or deleted: resolves when it is at work as it is now. */
  async apply(uuid: string): Promise<void> {
    const change = this.#changing.then(async () => {
      const record = await this.#options.store.get('event_source_mappings', [uuid])
      await this.#pollers.get(uuid)?.stop()
      this.#pollers.delete(uuid)
      const mapping = record === undefined ? undefined : this.#read(record)
      if (mapping === undefined || this.#closed) return
      const ready = () => this.#wake()
      this.#pollers.set(uuid, new QueuePoller(mapping, { ...this.#options, ready }))
    })
    this.#changing = change.catch(() => undefined)
    await change
  }

  /** After a function was deleted, and its mappings with it. */
  async forget(name: string): Promise<void> {
    for (const { mapping } of this.#pollers.values()) if (mapping.name === name) await this.apply(mapping.uuid)
  }

  /** Why a mapping receives nothing; undefined: it does. */
  trouble(uuid: string): string | undefined {
    return this.#pollers.get(uuid)?.trouble
  }

  /** The next batches that a lane runs, up to `limit`; none: there are none now. */
  take(limit: number): readonly TakenBatch[] {
    this.#told = false
    const taken: TakenBatch[] = []
    // Who had a turn comes again, behind the others.
    for (const [uuid, poller] of this.#pollers) {
      const batch = taken.length < limit ? poller.take() : undefined
      if (batch === undefined) continue
      taken.push(batch)
      this.#pollers.delete(uuid)
      this.#pollers.set(uuid, poller)
    }
    return taken
  }

  async settle(uuid: string, id: string, outcome: BatchOutcome): Promise<void> {
    await this.#pollers.get(uuid)?.settle(id, outcome)
  }

  /** Nothing more is received; what runs is still settled. */
  async drain(): Promise<void> {
    this.#closed = true
    await this.#changing
    await Promise.all([...this.#pollers.values()].map((poller) => poller.stop()))
  }

  #wake(): void {
    if (this.#told || this.#closed) return
    this.#told = true
    this.#options.wake().catch((error: unknown) => {
      this.#told = false
      const { observe, now } = this.#options
      observe({ type: 'host', time: now(), level: 'error', message: `lanes could not be told of messages: ${String(error)}` })
    })
  }

  #read(record: EventSourceMappingRecord): QueueMapping | undefined {
    const { enabled, qualifier, given } = mappingOf(record)
    const queue = parseQueueArn(record.source, this.#options.account)
    if (queue === undefined || !enabled) return undefined
    return {
      uuid: record.uuid,
      name: record.name,
      qualifier,
      queue,
      batchSize: given.BatchSize ?? DEFAULT_BATCH,
      windowMs: (given.MaximumBatchingWindowInSeconds ?? 0) * 1000,
      concurrency: given.ScalingConfig?.MaximumConcurrency ?? DEFAULT_CONCURRENCY,
      partial: given.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
      filters: (given.FilterCriteria?.Filters ?? []).map(({ Pattern = '{}' }) => readPattern(Pattern)),
    }
  }
}

const DEFAULT_BATCH = 10
/** Batches at a time where the mapping does not say: enough for a queue to be worked off as fast as the machine can, with room for others. */
const DEFAULT_CONCURRENCY = 32
