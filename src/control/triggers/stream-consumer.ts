import type { Account } from '../../functions/arn.ts'
import type { Observer } from '../../observe/records.ts'
import type { Checkpoint, Claim, Shard } from '../../store/stream.ts'
import type { StreamOutcome, TakenBatch } from '../lane-protocol.ts'
import type { Queues } from '../queues.ts'
import type { Streams } from '../streams.ts'
import { ShardReader } from './shard-reader.ts'
import type { StreamMapping } from './stream-mapping.ts'
import { troubleOf } from './trouble.ts'
import { readLines } from './stream-window.ts'

export interface StreamConsumerOptions {
  readonly streams: Streams
  readonly queues: Pick<Queues, 'send'>
  readonly account: Account
  /** There is a batch to take. */
  readonly ready: () => void
  readonly observe: Observer
  readonly uuid: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How often it is looked whether another host has left a shard. */
const CLAIM_MS = 2_000
/** After a store that failed, or a stream that is gone. */
const PAUSE_MS = 5_000

/** Reads the shards of one stream for one mapping: what came of a split or a merge when all of what it came of is done. */
export class StreamConsumer {
  readonly mapping: StreamMapping
  readonly #options: StreamConsumerOptions
  readonly #readers = new Map<number, ShardReader>()
  /** By shard: that no other host reads it. */
  readonly #claims = new Map<number, Claim>()
  /** Closed, and all is done. */
  readonly #done = new Set<number>()
  readonly #unwatch: () => void
  #looking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #trouble: string | undefined

  constructor(mapping: StreamMapping, options: StreamConsumerOptions) {
    this.mapping = mapping
    this.#options = options
    this.#unwatch = options.streams.watch(mapping.stream, () => {
      for (const reader of this.#readers.values()) reader.wake()
    })
    this.#look()
  }

  /** Resolves when it has looked for the shards the first time: from then on nothing that comes is passed over. */
  async started(): Promise<void> {
    await this.#looking
  }

  /** Why nothing is read; undefined: it is. */
  get trouble(): string | undefined {
    return this.#trouble ?? this.#readers.values().find(({ trouble }) => trouble !== undefined)?.trouble
  }

  /** As of the shard that is the furthest behind. */
  get iteratorAgeMs(): number {
    return Math.max(0, ...this.#readers.values().map((reader) => reader.iteratorAgeMs))
  }

  take(): TakenBatch | undefined {
    for (const [shard, reader] of this.#readers) {
      const batch = reader.take()
      if (batch === undefined) continue
      // Shards take turns.
      this.#readers.delete(shard)
      this.#readers.set(shard, reader)
      return batch
    }
    return undefined
  }

  async settle(id: string, outcome: StreamOutcome): Promise<void> {
    for (const reader of this.#readers.values()) if (await reader.settle(id, outcome)) return
  }

  /** Nothing more is read or run; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#unwatch()
    await this.#looking
    await Promise.all(this.#readers.values().map((reader) => reader.stop()))
    await Promise.all(this.#claims.values().map((claim) => claim.release()))
  }

  /** The lanes have ended. */
  abandon(): void {
    for (const reader of this.#readers.values()) reader.abandon()
  }

  #look(): void {
    if (this.#closed) return
    this.#looking = (this.#looking ?? Promise.resolve()).then(async () => {
      try {
        await this.#start()
        this.#trouble = undefined
      } catch (error) {
        this.#trouble = troubleOf(error)
        this.#timer = setTimeout(() => this.#look(), PAUSE_MS).unref()
      }
    })
  }

  async #start(): Promise<void> {
    const { engine } = this.#options.streams
    const { stream, uuid, start } = this.mapping
    const shards = await engine.shards(stream)
    let known = new Map((await engine.checkpoints(stream, uuid)).map((checkpoint) => [checkpoint.shard, checkpoint]))
    if (known.size === 0) {
      // The first time: from where the mapping starts. Shards that come later are read from their first record on.
      const first = await Promise.all(
        shards.map(async ({ number }): Promise<Checkpoint> => ({
          shard: number,
          sequence: await engine.locate(stream, number, start),
        })),
      )
      try {
        for (const checkpoint of first) await engine.saveCheckpoint(stream, uuid, checkpoint)
      } catch (error) {
        // Another host may have been faster.
        if ((await engine.checkpoints(stream, uuid)).length === 0) throw error
      }
      known = new Map((await engine.checkpoints(stream, uuid)).map((checkpoint) => [checkpoint.shard, checkpoint]))
    }
    const there = new Set(shards.map(({ number }) => number))
    for (const shard of shards) {
      const { number } = shard
      if (this.#closed || this.#readers.has(number) || this.#done.has(number)) continue
      const { sequence: after, state } = known.get(number) ?? { sequence: 0 }
      // Windows of a shard that is closed may still have to end.
      if (isDone(shard, after) && readLines(state, this.mapping.parallel)?.some(({ window }) => window !== undefined) !== true)
        this.#done.add(number)
      // A parent that is gone has no records any more.
      else if (shard.parents.every((parent) => this.#done.has(parent) || !there.has(parent))) {
        if (engine.claim === undefined) this.#readers.set(number, this.#read(number, after, state))
        else await this.#readAlone(number)
      }
    }
    // Of another host, which may end.
    const others = engine.claim !== undefined && this.#readers.size + this.#done.size < shards.length
    if (others && !this.#closed) this.#timer = setTimeout(() => this.#look(), CLAIM_MS).unref()
  }

  /** Where no other host does. */
  async #readAlone(shard: number): Promise<void> {
    const { engine } = this.#options.streams
    const { stream, uuid } = this.mapping
    const lost = (): void => {
      const reader = this.#readers.get(shard)
      this.#readers.delete(shard)
      this.#claims.delete(shard)
      // What runs ends, and is written down nowhere.
      reader?.abandon()
      void reader?.stop()
      this.#look()
    }
    const claim = await engine.claim?.(stream, uuid, shard, lost)
    if (claim === undefined) return
    this.#claims.set(shard, claim)
    // As it is since no other host writes it.
    const { sequence, state } = (await engine.checkpoints(stream, uuid)).find((one) => one.shard === shard) ?? { sequence: 0 }
    this.#readers.set(shard, this.#read(shard, sequence, state))
  }

  #read(shard: number, after: number, state: unknown): ShardReader {
    const ended = (): void => {
      this.#readers.delete(shard)
      void this.#claims.get(shard)?.release()
      this.#claims.delete(shard)
      this.#done.add(shard)
      this.#look()
    }
    return new ShardReader({ ...this.#options, mapping: this.mapping, shard, after, state, ended })
  }
}

const isDone = ({ lastSequence }: Shard, after: number): boolean => lastSequence !== undefined && after >= lastSequence
