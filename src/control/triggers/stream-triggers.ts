import type { Store } from '../../store/contract.ts'
import type { StreamOutcome, TakenBatch } from '../lane-protocol.ts'
import { StreamConsumer, type StreamConsumerOptions } from './stream-consumer.ts'
import { readStreamMapping } from './stream-mapping.ts'

export interface StreamTriggersOptions extends StreamConsumerOptions {
  readonly store: Store
}

/** Event source mappings of streams, at work. */
export class StreamTriggers {
  readonly #options: StreamTriggersOptions
  /** By UUID. Functions take turns in the order of this map. */
  readonly #consumers = new Map<string, StreamConsumer>()
  /** By UUID: changes, one after the other. */
  readonly #changing = new Map<string, Promise<void>>()
  #closed = false

  constructor(options: StreamTriggersOptions) {
    this.#options = options
  }

  /**
   * After a mapping was created, changed or deleted. What runs of it ends first, so that no record runs twice at a time: resolves when it is at
   * work as it is now.
   */
  async apply(uuid: string): Promise<void> {
    const change = (this.#changing.get(uuid) ?? Promise.resolve()).then(() => this.#apply(uuid))
    const settled = change.catch(() => undefined)
    this.#changing.set(uuid, settled)
    await change
    if (this.#changing.get(uuid) === settled) this.#changing.delete(uuid)
  }

  has(uuid: string): boolean {
    return this.#consumers.has(uuid)
  }

  /** UUIDs of a function's mappings. */
  of(name: string): readonly string[] {
    return [...this.#consumers.values()]
      .map(({ mapping }) => mapping)
      .flatMap((mapping) => (mapping.name === name ? [mapping.uuid] : []))
  }

  /** Why a mapping reads nothing; undefined: it does. */
  trouble(uuid: string): string | undefined {
    return this.#consumers.get(uuid)?.trouble
  }

  /** By UUID: milliseconds that a mapping is behind. */
  iteratorAges(): ReadonlyMap<string, number> {
    return new Map([...this.#consumers].map(([uuid, consumer]) => [uuid, consumer.iteratorAgeMs]))
  }

  /** The next batches that a lane runs, up to `limit`. */
  take(limit: number): readonly TakenBatch[] {
    const taken: TakenBatch[] = []
    for (const [uuid, consumer] of this.#consumers) {
      const batch = taken.length < limit ? consumer.take() : undefined
      if (batch === undefined) continue
      taken.push(batch)
      this.#consumers.delete(uuid)
      this.#consumers.set(uuid, consumer)
    }
    return taken
  }

  async settle(uuid: string, id: string, outcome: StreamOutcome): Promise<void> {
    await this.#consumers.get(uuid)?.settle(id, outcome)
  }

  /** Nothing more is read; resolves when what runs has ended and is written down. */
  async drain(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()))
  }

  /** The lanes have ended: nothing that ran there is waited for any more. */
  async close(): Promise<void> {
    for (const consumer of this.#consumers.values()) consumer.abandon()
    await this.drain()
  }

  async #apply(uuid: string): Promise<void> {
    const { store, account, streams } = this.#options
    const before = this.#consumers.get(uuid)
    await before?.stop()
    this.#consumers.delete(uuid)
    const record = await store.get('event_source_mappings', [uuid])
    if (record === undefined && before !== undefined) await streams.engine.forget(before.mapping.stream, uuid)
    const mapping = record === undefined ? undefined : readStreamMapping(record, account)
    if (mapping === undefined || this.#closed) return
    const consumer = new StreamConsumer(mapping, this.#options)
    this.#consumers.set(uuid, consumer)
    await consumer.started()
  }
}
