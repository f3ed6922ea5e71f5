import { parseQueueArn } from '../../functions/queue-arn.ts'
import { parseRedisArn } from '../../functions/redis-arn.ts'
import type { Store } from '../../store/contract.ts'
import type { ReceivedMessage } from '../../store/queue.ts'
import type { EventSourceMappingRecord } from '../../store/records.ts'
import { RedisStreamSource } from '../../store/redis/stream-source.ts'
import type { MessageSource } from '../../store/source.ts'
import type { QueueOutcome, TakenBatch } from '../lane-protocol.ts'
import type { Queues } from '../queues.ts'
import { unlessGone } from '../unless-gone.ts'
import { filtersOf, mappingOf } from './mapping.ts'
import { QueueSource } from './queue-source.ts'
import { QueuePoller, type QueueMapping, type QueuePollerOptions } from './queue-poller.ts'

export interface QueueTriggersOptions extends QueuePollerOptions {
  readonly store: Store
  readonly queues: Queues
  readonly redis: RedisOptions | undefined
}

/** The Redis of which streams can be read. */
export interface RedisOptions {
  readonly url: string
  /** This host's name there. */
  readonly consumer: string
}

/** Event source mappings of queues, at work. */
export class QueueTriggers {
  readonly #options: QueueTriggersOptions
  /** By UUID. Functions take turns in the order of this map. */
  readonly #pollers = new Map<string, QueuePoller>()
  /** Changes, one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #closed = false
  /** Mappings that were at work since the host started. */
  readonly #begun = new Set<string>()

  constructor(options: QueueTriggersOptions) {
    this.#options = options
  }

  /** After a mapping was created, changed or deleted: resolves when it is at work as it is now. */
  async apply(uuid: string): Promise<void> {
    const change = this.#changing.then(async () => {
      const record = await this.#options.store.get('event_source_mappings', [uuid])
      await this.#pollers.get(uuid)?.stop()
      this.#pollers.delete(uuid)
      const read = record === undefined ? undefined : this.#read(record)
      if (read === undefined || this.#closed) return
      this.#pollers.set(uuid, new QueuePoller(read.mapping, read.source, this.#options))
    })
    this.#changing = change.catch(() => undefined)
    await change
  }

  has(uuid: string): boolean {
    return this.#pollers.has(uuid)
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

  /** Why some messages are not to be had, in words for everybody; undefined: all are. */
  get sourceTrouble(): string | undefined {
    return this.#pollers.values().find(({ sourceTrouble }) => sourceTrouble !== undefined)?.sourceTrouble
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

  #read(record: EventSourceMappingRecord): { readonly mapping: QueueMapping; readonly source: MessageSource } | undefined {
    const { enabled, qualifier, given } = mappingOf(record)
    const { queues, redis, account, now } = this.#options
    const queue = parseQueueArn(record.source, account)
    const key = redis === undefined ? undefined : parseRedisArn(record.source, account)
    const name = queue ?? key
    if (name === undefined || !enabled) return undefined
    const mapping: QueueMapping = {
      uuid: record.uuid,
      name: record.name,
      qualifier,
      queue: name,
      batchSize: given.BatchSize ?? DEFAULT_BATCH,
      windowMs: (given.MaximumBatchingWindowInSeconds ?? 0) * 1000,
      concurrency: given.ScalingConfig?.MaximumConcurrency ?? DEFAULT_CONCURRENCY,
      partial: given.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
      filters: filtersOf(given),
    }
    if (queue !== undefined) return { mapping, source: new QueueSource(queues, queue) }
    if (key === undefined || redis === undefined) return undefined
    const { MaximumRetryAttempts: retries = -1, StartingPosition, DestinationConfig } = given
    const source = new RedisStreamSource({
      ...redis,
      key,
      group: record.name,
      recover: !this.#begun.has(record.uuid),
      start: StartingPosition === 'LATEST' ? 'latest' : 'first',
      maxRetries: retries < 0 ? undefined : retries,
      givenUp: (message) => this.#giveUp(message, mapping, DestinationConfig?.OnFailure?.Destination),
      now,
    })
    this.#begun.add(record.uuid)
    return { mapping, source }
  }

  /** To the queue for failures, where there is one. */
  async #giveUp(
    { id, body, attributes }: ReceivedMessage,
    { queue: key, name }: QueueMapping,
    destination: string | undefined,
  ): Promise<void> {
    const { queues, account, observe, now, uuid } = this.#options
    const queue = destination === undefined ? undefined : parseQueueArn(destination, account)
    const report = (why: string) =>
      observe({
        type: 'host',
        time: now(),
        level: 'error',
        message: `the entry ${id} of ${key} in Redis is given up for ${name}: ${why}`,
      })
    if (queue === undefined) return report('there is no destination for failures')
    await queues.send(queue, [{ id: uuid(), body, attributes }]).catch(unlessGone(() => report(`there is no queue ${queue}`)))
  }
}

const DEFAULT_BATCH = 10
/** Batches at a time where the mapping does not say: enough for a queue to be worked off as fast as the machine can, with room for others. */
const DEFAULT_CONCURRENCY = 32
