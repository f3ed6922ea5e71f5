import type { Account } from '../../functions/arn.ts'
import { formatBusArn } from '../../functions/bus-arn.ts'
import { parseQueueArn } from '../../functions/queue-arn.ts'
import { parseRedisArn } from '../../functions/redis-arn.ts'
import { parseStreamArn } from '../../functions/stream-arn.ts'
import type { Observer } from '../../observe/records.ts'
import type { Store } from '../../store/contract.ts'
import type { BatchOutcome, TakenBatch } from '../lane-protocol.ts'
import type { Queues } from '../queues.ts'
import type { Streams } from '../streams.ts'
import { QueueTriggers, type RedisOptions } from './queue-triggers.ts'
import { StreamTriggers } from './stream-triggers.ts'

export interface TriggersOptions {
  readonly store: Store
  readonly queues: Queues
  readonly streams: Streams
  readonly redis: RedisOptions | undefined
  readonly account: Account
  /** Tells lanes that there is a batch to take. */
  readonly wake: () => Promise<void>
  readonly observe: Observer
  readonly uuid: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Pages of the store. */
const PAGE = 100

/** Event source mappings at work. */
export class Triggers {
  readonly #options: TriggersOptions
  readonly #queues: QueueTriggers
  readonly #streams: StreamTriggers
  /** By UUID. */
  readonly #results = new Map<string, string>()
  #closed = false
  #told = false
  /** Which of both is asked first: they take turns. */
  #streamsFirst = false

  constructor(options: TriggersOptions) {
    this.#options = options
    const ready = (): void => this.#tell()
    this.#queues = new QueueTriggers({ ...options, ready })
    this.#streams = new StreamTriggers({ ...options, ready })
  }

  /** Takes up all mappings that there are. */
  async start(): Promise<void> {
    let after: readonly [string] | undefined
    for (;;) {
      const page = await this.#options.store.list('event_source_mappings', {
        limit: PAGE,
        ...(after !== undefined && { after }),
      })
      for (const { uuid } of page) await this.apply(uuid)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      after = [last.uuid]
    }
  }

  /** Whether a source can be read. */
  reads(source: string): boolean {
    const { account } = this.#options
    return (
      parseQueueArn(source, account) !== undefined ||
      parseStreamArn(source, account) !== undefined ||
      (this.#options.redis !== undefined && parseRedisArn(source, account) !== undefined) ||
      // Whoever puts events on the bus looks for its mappings.
      source === formatBusArn(account)
    )
  }

  /** After a mapping was created, changed or deleted: resolves when it is at work as it is now, or will be when what runs of it has ended. */
  async apply(uuid: string): Promise<void> {
    this.#results.delete(uuid)
    await this.#queues.apply(uuid)
    const waits = this.#streams.has(uuid)
    const change = this.#streams.apply(uuid)
    if (!waits) return await change
    change.catch((error: unknown) => this.#report(`the event source mapping ${uuid} could not be changed: ${String(error)}`))
  }

  /** After a function was deleted, and its mappings with it. */
  async forget(name: string): Promise<void> {
    for (const uuid of [...this.#queues.of(name), ...this.#streams.of(name)]) await this.apply(uuid)
  }

  /** Why a mapping gets nothing; undefined: it does. */
  trouble(uuid: string): string | undefined {
    return this.#queues.trouble(uuid) ?? this.#streams.trouble(uuid)
  }

  /** By UUID, of streams: how long the oldest record waits that is not done, milliseconds. */
  iteratorAges(): ReadonlyMap<string, number> {
    return this.#streams.iteratorAges()
  }

  /** Why some messages are not to be had, in words for everybody; undefined: all are. */
  get sourceTrouble(): string | undefined {
    return this.#queues.sourceTrouble
  }

  /** What became of the last batch of a mapping, in Lambda's words; undefined: there was none since the host started. */
  lastResult(uuid: string): string | undefined {
    return this.#results.get(uuid)
  }

  /** The next batches that a lane runs, up to `limit`; none: there are none now. */
  take(limit: number): readonly TakenBatch[] {
    this.#told = false
    this.#streamsFirst = !this.#streamsFirst
    const [first, second] = this.#streamsFirst ? [this.#streams, this.#queues] : [this.#queues, this.#streams]
    const taken = first.take(limit)
    return [...taken, ...second.take(limit - taken.length)]
  }

  async settle(uuid: string, id: string, outcome: BatchOutcome): Promise<void> {
    const failed =
      outcome.kind === 'done' ? outcome.failures.length > 0 : outcome.kind === 'records' && outcome.failedFrom !== undefined
    const known = this.#queues.has(uuid) || this.#streams.has(uuid)
    if (known && outcome.kind !== 'later') this.#results.set(uuid, failed ? 'PROBLEM: Function call failed' : 'OK')
    if (outcome.kind !== 'records') await this.#queues.settle(uuid, id, outcome)
    if (outcome.kind !== 'done') await this.#streams.settle(uuid, id, outcome)
  }

  /** Nothing more is received or read; what runs can still be settled. */
  async drain(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#queues.drain(), this.#streams.drain()])
  }

  /** The lanes have ended. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#queues.drain(), this.#streams.close()])
  }

  #tell(): void {
    if (this.#told || this.#closed) return
    this.#told = true
    this.#options.wake().catch((error: unknown) => {
      this.#told = false
      this.#report(`lanes could not be told of batches: ${String(error)}`)
    })
  }

  #report(message: string): void {
    const { observe, now } = this.#options
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}
