import { parseQueueArn } from '../../functions/queue-arn.ts'
import { readPattern } from '../../functions/pattern/pattern.ts'
import type { Store } from '../../store/contract.ts'
import type { EventSourceMappingRecord } from '../../store/records.ts'
import type { QueueOutcome, TakenBatch } from '../lane-protocol.ts'
import { mappingOf } from './mapping.ts'
import { QueuePoller, type QueueMapping, type QueuePollerOptions } from './queue-poller.ts'

export interface QueueTriggersOptions extends QueuePollerOptions {
  readonly store: Store
}

/** Event source mappings of queues, at work. */
export class QueueTriggers {
  readonly #options: QueueTriggersOptions
  /** By UUID. Functions take turns in the order of this map. */
  readonly #pollers = new Map<string, QueuePoller>()
  /** Changes, one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: QueueTriggersOptions) {
    this.#options = options
  }

  /** After a mapping was created, changed or deleted: resolves when it is at work as it is now. */
  async apply(uuid: string): Promise<void> {
    const change = this.#changing.then(async () => {
      const record = await this.#options.store.get('event_source_mappings', [uuid])
      await this.#pollers.get(uuid)?.stop()
      this.#pollers.delete(uuid)
      const mapping = record === undefined ? undefined : this.#read(record)
      if (mapping === undefined || this.#closed) return
      this.#pollers.set(uuid, new QueuePoller(mapping, this.#options))
    })
    this.#changing = change.catch(() => undefined)
    await change
  }

  /** UUIDs of a function's mappings. */
  of(name: string): readonly string[] {
    return [...this.#pollers.values()]
      .map(({ mapping }) => mapping)
      .flatMap((mapping) => (mapping.name === name ? [mapping.uuid] : []))
  }

  /** Why a mapping receives nothing; undefined: it does. */
  trouble(uuid: string): string | undefined {
    return this.#pollers.get(uuid)?.trouble
  }

  /** The next batches that a lane runs, up to `limit`; none: there are none now. */
  take(limit: number): readonly TakenBatch[] {
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

  async settle(uuid: string, id: string, outcome: QueueOutcome): Promise<void> {
    await this.#pollers.get(uuid)?.settle(id, outcome)
  }

  /** Nothing more is received; what runs is still settled. */
  async drain(): Promise<void> {
    this.#closed = true
    await this.#changing
    await Promise.all([...this.#pollers.values()].map((poller) => poller.stop()))
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
