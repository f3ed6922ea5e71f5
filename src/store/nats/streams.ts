import { randomUUID } from 'node:crypto'
import { headers, nanos, type Msg } from '@nats-io/transport-node'
import { DeliverPolicy, RetentionPolicy, StorageType, type StreamInfo } from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import { AmpouleError } from '../../errors.ts'
import type { Appended, Checkpoint, Claim, NewStreamRecord, ReadOptions, ReadResult, Shard } from '../stream.ts'
import {
  evenShare,
  hashOf,
  type StoredStreamRecord,
  type StreamDefinition,
  type StreamEngine,
  type StreamStart,
} from '../stream.ts'
import type { Nats } from './connection.ts'
import { Definitions } from './definitions.ts'
import { unlessGone } from './errors.ts'
import { Hints } from './hints.ts'
import { readPlace } from './message.ts'
import { isConflict, LEASE_MS, takeLease } from './leases.ts'
import { pull } from './pull.ts'
import { put } from './put.ts'
import { CursorGone, READER, ShardCursors } from './shard-cursors.ts'

const NAME = 'NATS'
const BUCKET = 'ampoule-streams'
const CHECKPOINTS = 'ampoule-checkpoints'
const READERS = 'ampoule-readers'
/** Names of streams may have dots, which are the borders of NATS's own. */
const encoded = (name: string): string => name.replaceAll('.', '=')
const decoded = (name: string): string => name.replaceAll('=', '.')
const streamOf = (name: string): string => `ampoule-stream-${encoded(name)}`
const subjectOf = (name: string): string => `ampoule.stream.${encoded(name)}`
const WAKE = 'ampoule.wake-stream.'
/** The partition key; headers are ASCII. */
const KEY = 'Ampoule-Key'

interface Kept {
  readonly definition: StreamDefinition
  readonly shards: number
  readonly createdMs: number
}

/** Streams in NATS JetStream, which several hosts can share: a stream with a subject for each shard. The number of shards stays. */
export class NatsStreams implements StreamEngine {
  readonly name = NAME
  readonly capabilities = { resharding: false }
  readonly #nats: Nats
  readonly #hints: Hints
  readonly #definitions: Definitions<Kept>
  readonly #checkpoints: KV
  readonly #readers: KV
  readonly #cursors: ShardCursors
  readonly #now: () => number
  readonly #host = randomUUID()
  /** Of the checkpoints that this host has read or written: who has not written the last one writes no more. */
  readonly #revisions = new Map<string, number>()

  private constructor(
    nats: Nats,
    buckets: { readonly definitions: Definitions<Kept>; readonly checkpoints: KV; readonly readers: KV },
    now: () => number,
  ) {
    this.#nats = nats
    this.#hints = new Hints(nats.connection, WAKE)
    this.#definitions = buckets.definitions
    this.#checkpoints = buckets.checkpoints
    this.#readers = buckets.readers
    this.#cursors = new ShardCursors(nats)
    this.#now = now
  }

  static async open(nats: Nats, now: () => number): Promise<NatsStreams> {
    const kvm = new Kvm(nats.js)
    const { replicas } = nats
    const definitions = await Definitions.open<Kept>(await kvm.create(BUCKET, { replicas }))
    const checkpoints = await kvm.create(CHECKPOINTS, { replicas })
    const readers = await kvm.create(READERS, { replicas, ttl: LEASE_MS })
    return new NatsStreams(nats, { definitions, checkpoints, readers }, now)
  }

  get trouble(): string | undefined {
    return this.#nats.trouble
  }

  async create(definition: StreamDefinition, shards: number): Promise<boolean> {
    return this.#nats.ask(async () => {
      const { name, retentionMs } = definition
      if ((await this.#definitions.find(encoded(name))) !== undefined) return false
      const { jsm, replicas } = this.#nats
      const shape = { max_age: nanos(retentionMs), num_replicas: replicas, allow_direct: true }
      const subjects = [`${subjectOf(name)}.*`]
      await put(
        () =>
          jsm.streams.add({
            name: streamOf(name),
            subjects,
            retention: RetentionPolicy.Limits,
            storage: StorageType.File,
            ...shape,
          }),
        () => jsm.streams.update(streamOf(name), shape),
      )
      await this.#definitions.put(encoded(name), { definition, shards, createdMs: this.#now() })
      return true
    })
  }

  async change(definition: StreamDefinition): Promise<void> {
    await this.#nats.ask(async () => {
      const kept = await this.#require(definition.name)
      await this.#nats.jsm.streams.update(streamOf(definition.name), { max_age: nanos(definition.retentionMs) })
      await this.#definitions.put(encoded(definition.name), { ...kept, definition })
    })
  }

  async definition(name: string): Promise<StreamDefinition | undefined> {
    return this.#nats.ask(async () => (await this.#definitions.find(encoded(name)))?.definition)
  }

  definitions({ after = '', limit = Infinity }: { readonly after?: string; readonly limit?: number } = {}): Promise<
    StreamDefinition[]
  > {
    const names = this.#definitions.names.map(decoded).filter((name) => name > after)
    const page = names.toSorted().slice(0, limit)
    return Promise.resolve(page.flatMap((name) => this.#definitions.known(encoded(name))?.definition ?? []))
  }

  async remove(name: string): Promise<boolean> {
    return this.#nats.ask(async () => {
      const there = (await this.#definitions.find(encoded(name))) !== undefined
      if (there) await this.#nats.jsm.streams.delete(streamOf(name)).catch(unlessGone)
      await this.#definitions.remove(encoded(name))
      for await (const key of await this.#checkpoints.keys(`${encoded(name)}.>`)) await this.#checkpoints.purge(key)
      this.#cursors.forget(subjectOf(name))
      return there
    })
  }

  async shards(name: string): Promise<readonly Shard[]> {
    return this.#nats.ask(async () => shardsOf(await this.#require(name)))
  }

  async append(name: string, records: readonly NewStreamRecord[]): Promise<readonly Appended[]> {
    return this.#nats.ask(async () => {
      const shards = shardsOf(await this.#require(name))
      const placed = records.map(({ key, hashKey = hashOf(key), data }) => {
        const shard = shards.find(({ startHash, endHash }) => startHash <= hashKey && hashKey <= endHash)?.number
        if (shard === undefined) throw new AmpouleError('InvalidRequest', `the hash key ${hashKey} is not below 2^128`)
        const found = headers()
        found.set(KEY, encodeURIComponent(key))
        return { shard, subject: `${subjectOf(name)}.${shard}`, data, headers: found }
      })
      const sequences = await this.#nats.publisher.publish(placed)
      if (sequences === undefined) throw notFound(name)
      this.#hints.tell(encoded(name))
      return placed.map(({ shard }, index) => ({ shard, sequence: sequences[index] ?? 0 }))
    })
  }

  async read(name: string, { shard, after, limit, maxBytes }: ReadOptions): Promise<ReadResult> {
    return this.#nats.ask(async () => {
      await this.#requireShard(name, shard)
      const place = { stream: streamOf(name), subject: `${subjectOf(name)}.${shard}` }
      const records: StoredStreamRecord[] = []
      let bytes = 0
      let behindMs = 0
      const take = (message: Msg): boolean => {
        const record = readRecord(message)
        if (record === undefined) return true
        bytes += record.data.length
        if (records.length === limit || (records.length > 0 && bytes > maxBytes)) {
          behindMs = Math.max(1, this.#now() - record.arrivedMs)
          return false
        }
        records.push(record)
        return true
      }
      try {
        await this.#cursors.read({ ...place, after }, take)
      } catch (error) {
        if (!(error instanceof CursorGone)) throw error
        await this.#info(name)
        if (records.length === 0) await this.#cursors.read({ ...place, after }, take)
      }
      return { records, behindMs, ended: false }
    })
  }

  async locate(name: string, shard: number, start: StreamStart): Promise<number> {
    return this.#nats.ask(async () => {
      await this.#requireShard(name, shard)
      if (start === 'first') return 0
      const { last_seq: last } = (await this.#info(name)).state
      if (start === 'latest') return last
      const stream = streamOf(name)
      const { name: consumer } = await this.#nats.jsm.consumers.add(stream, {
        ...READER,
        filter_subject: `${subjectOf(name)}.${shard}`,
        deliver_policy: DeliverPolicy.StartTime,
        opt_start_time: new Date(start.timestampMs).toISOString(),
      })
      const [first] = (await pull(this.#nats.connection, { stream, consumer, limit: 1 })) ?? []
      const place = first === undefined ? undefined : readPlace(first.reply ?? '')
      return place === undefined ? last : place.sequence - 1
    })
  }

  split(name: string): Promise<void> {
    return Promise.reject(noResharding(name))
  }

  merge(name: string): Promise<void> {
    return Promise.reject(noResharding(name))
  }

  async saveCheckpoint(name: string, consumer: string, checkpoint: Checkpoint): Promise<void> {
    await this.#nats.ask(async () => {
      await this.#require(name)
      const key = `${encoded(name)}.${consumer}.${checkpoint.shard}`
      const content = JSON.stringify(checkpoint)
      const known = this.#revisions.get(key)
      try {
        const revision = await (known === undefined
          ? this.#checkpoints.create(key, content)
          : this.#checkpoints.update(key, content, known))
        this.#revisions.set(key, revision)
      } catch (error) {
        if (!isConflict(error)) throw error
        throw new AmpouleError(
          'InvalidRequest',
          `another host reads the shard ${checkpoint.shard} of the stream ${name} for this consumer`,
        )
      }
    })
  }

  async checkpoints(name: string, consumer: string): Promise<readonly Checkpoint[]> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      const found: Checkpoint[] = []
      for await (const key of await this.#checkpoints.keys(`${encoded(name)}.${consumer}.*`)) {
        const entry = await this.#checkpoints.get(key)
        if (entry?.operation !== 'PUT') continue
        this.#revisions.set(key, entry.revision)
        found.push(entry.json<Checkpoint>())
      }
      return found.toSorted((a, b) => a.shard - b.shard)
    })
  }

  async forget(name: string, consumer: string): Promise<void> {
    await this.#nats.ask(async () => {
      for await (const key of await this.#checkpoints.keys(`${encoded(name)}.${consumer}.*`)) {
        await this.#checkpoints.purge(key)
        this.#revisions.delete(key)
      }
    })
  }

  claim(name: string, consumer: string, shard: number, lost: () => void): Promise<Claim | undefined> {
    return this.#nats.ask(() => takeLease(this.#readers, `${encoded(name)}.${consumer}.${shard}`, this.#host, lost))
  }

  watch(told: (name: string) => void): void {
    this.#hints.watch((name) => told(decoded(name)))
  }

  /** The connection is its opener's. */
  close(): Promise<void> {
    this.#hints.close()
    return Promise.resolve()
  }

  async #require(name: string): Promise<Kept> {
    const found = await this.#definitions.find(encoded(name))
    if (found === undefined) throw notFound(name)
    return found
  }

  async #requireShard(name: string, shard: number): Promise<void> {
    const { shards } = await this.#require(name)
    if (shard >= shards) throw new AmpouleError('StreamNotFound', `the stream ${name} has no shard ${shard}`)
  }

  async #info(name: string): Promise<StreamInfo> {
    const info = await this.#nats.jsm.streams.info(streamOf(name)).catch(unlessGone)
    if (info === undefined) throw notFound(name)
    return info
  }
}

const notFound = (name: string): AmpouleError => new AmpouleError('StreamNotFound', `there is no stream ${name}`)

const noResharding = (name: string): AmpouleError =>
  new AmpouleError(
    'InvalidRequest',
    `the stream engine ${NAME} can neither split nor merge shards: those of ${name} stay as they are`,
  )

function shardsOf({ shards: count, createdMs }: Kept): readonly Shard[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    ...evenShare(number, count),
    parents: [],
    firstSequence: 1,
    lastSequence: undefined,
    createdMs,
  }))
}

function readRecord(message: Msg): StoredStreamRecord | undefined {
  const place = readPlace(message.reply ?? '')
  if (place === undefined) return undefined
  const key = message.headers?.has(KEY) === true ? decodeURIComponent(message.headers.get(KEY)) : ''
  return { sequence: place.sequence, key, arrivedMs: place.storedMs, data: message.data }
}
