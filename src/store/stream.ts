import { hash } from 'node:crypto'

/**
 * Streams: records in the order of each shard, kept for a while and read as often as somebody likes. One conformance suite
 * (test/store/stream-conformance.ts) says what an engine must do. A stream or a shard that is not there rejects with `StreamNotFound`. Semantics:
 * Amazon Kinesis Data Streams.
 */
export interface StreamEngine {
  /** As messages to users have it. */
  readonly name: string
  readonly capabilities: StreamCapabilities
  /** Why nothing can be put in now, in words for everybody; undefined: something can. */
  readonly trouble: string | undefined
  /** With so many shards, which share the hash keys evenly. False: there is one of that name. */
  create(definition: StreamDefinition, shards: number): Promise<boolean>
  /** What it is like; its records and shards stay. */
  change(definition: StreamDefinition): Promise<void>
  definition(name: string): Promise<StreamDefinition | undefined>
  /** In the order of names, behind `after`. */
  definitions(options?: { readonly after?: string; readonly limit?: number }): Promise<readonly StreamDefinition[]>
  /** With its records and the positions of its consumers. False when there was none. */
  remove(name: string): Promise<boolean>
  /** In the order of their making; closed ones stay as long as they can have records. */
  shards(name: string): Promise<readonly Shard[]>
  /** Resolves when all are on disk, in this order. */
  append(name: string, records: readonly NewStreamRecord[]): Promise<readonly Appended[]>
  /** What stands behind a sequence, oldest first; the first record is given whatever its size. */
  read(name: string, options: ReadOptions): Promise<ReadResult>
  /** The sequence behind which a reader starts at `start`. */
  locate(name: string, shard: number, start: StreamStart): Promise<number>
  /** Closes a shard; two new ones share its hash keys, the second from `hashKey` on. Rejects with `InvalidRequest`. */
  split(name: string, shard: number, hashKey: bigint): Promise<void>
  /** Closes two shards with adjacent hash keys; a new one has both. Rejects with `InvalidRequest`. */
  merge(name: string, shard: number, other: number): Promise<void>
  /** How far a consumer has come. It is on disk when this resolves. */
  saveCheckpoint(name: string, consumer: string, checkpoint: Checkpoint): Promise<void>
  checkpoints(name: string, consumer: string): Promise<readonly Checkpoint[]>
  forget(name: string, consumer: string): Promise<void>
  /**
   * That this host alone reads a shard for a consumer, where others may; undefined: another one does. Called back when that may be so no more: what this host
   * writes down of the consumer is refused then. None where there are no other hosts.
   */
  claim?(name: string, consumer: string, shard: number, lost: () => void): Promise<Claim | undefined>
  /** Calls back when other hosts may have put something in; none where no other host can. A hint only: it may stay out. */
  watch?(told: (name: string) => void): void
  close(): Promise<void>
}

/** What is not there rejects with `InvalidRequest`, naming the engine. */
export interface StreamCapabilities {
  /** Shards can be split and merged. */
  readonly resharding: boolean
}

export interface Claim {
  /** Another host may read the shard. */
  release(): Promise<void>
}

export interface StreamDefinition {
  readonly name: string
  /** Milliseconds after which a record is thrown away. */
  readonly retentionMs: number
  /** What the engine only keeps: JSON. */
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface Shard {
  /** From 0 on; never given twice. */
  readonly number: number
  /** Both inclusive. */
  readonly startHash: bigint
  readonly endHash: bigint
  /** Those whose hash keys it has. */
  readonly parents: readonly number[]
  /** No record of it has a smaller one. */
  readonly firstSequence: number
  /** Of a closed shard: no record has a greater one. */
  readonly lastSequence: number | undefined
  /** Milliseconds since the epoch. */
  readonly createdMs: number
}

/** Hash keys are below this: MD5 of the partition key, as a number. */
export const HASH_KEYS = 2n ** 128n

export const hashOf = (key: string): bigint => BigInt(`0x${hash('md5', key)}`)

/** Of one of so many shards that share all hash keys evenly. */
export const evenShare = (index: number, count: number): Pick<Shard, 'startHash' | 'endHash'> => ({
  startHash: (HASH_KEYS * BigInt(index)) / BigInt(count),
  endHash: (HASH_KEYS * BigInt(index + 1)) / BigInt(count) - 1n,
})

export interface NewStreamRecord {
  readonly key: string
  /** Instead of the MD5 of the key. */
  readonly hashKey?: bigint
  readonly data: Uint8Array
}

export interface Appended {
  readonly shard: number
  /** Grows within the stream. */
  readonly sequence: number
}

/** Before the first record that is kept, behind the last one, or at the first one that is not older. */
export type StreamStart = 'first' | 'latest' | { readonly timestampMs: number }

export interface ReadOptions {
  readonly shard: number
  readonly after: number
  readonly limit: number
  /** Of all data together. */
  readonly maxBytes: number
}

export interface StoredStreamRecord {
  readonly sequence: number
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly arrivedMs: number
  readonly data: Uint8Array
}

export interface ReadResult {
  readonly records: readonly StoredStreamRecord[]
  /** Milliseconds that the oldest record waits which is not among these; 0: there is none. */
  readonly behindMs: number
  /** The shard is closed, and nothing stands behind these records. */
  readonly ended: boolean
}

export interface Checkpoint {
  readonly shard: number
  /** All up to this one are done. */
  readonly sequence: number
  /** The consumer's: JSON. */
  readonly state?: unknown
}
