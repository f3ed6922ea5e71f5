import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import {
  evenShare,
  hashOf,
  type Appended,
  type Checkpoint,
  type NewStreamRecord,
  type ReadOptions,
  type ReadResult,
  type Shard,
  type StoredStreamRecord,
  type StreamDefinition,
  type StreamStart,
} from '../stream.ts'
import { checksumOf, requireWhole } from './checksum.ts'
import { Refusal } from './refusal.ts'
import { Statements } from './statements.ts'

/** Old records that one request deletes at most, so that the thread is not kept from the others. */
const MAX_EXPIRED = 1_000

interface Stream {
  readonly number: number
  readonly definition: StreamDefinition
  /** Those that take records. */
  readonly open: readonly Shard[]
  /** Numbers of the others. */
  readonly closed: readonly number[]
}

type Row = Record<string, SQLOutputValue>

/** The streams of a database, synchronous: for the thread that owns the connection, in transactions of its making. */
export class SqliteStreams {
  readonly #sql: Statements
  /** By name; they change by this thread only. */
  readonly #streams = new Map<string, Stream>()

  constructor(database: DatabaseSync) {
    this.#sql = new Statements(database)
  }

  /** After a transaction was rolled back: what was read in it may never have been. */
  forgetAll(): void {
    this.#streams.clear()
  }

  create(definition: StreamDefinition, shards: number, nowMs: number): boolean {
    if (this.#find(definition.name) !== undefined) return false
    const row = this.#sql
      .prepare('INSERT INTO streams (name, definition) VALUES (?, ?) RETURNING number')
      .get(definition.name, JSON.stringify(definition))
    const stream = Number(row?.['number'])
    for (let index = 0; index < shards; index++)
      this.#addShard(stream, index, { ...evenShare(index, shards), parents: [] }, nowMs)
    return true
  }

  change(definition: StreamDefinition): void {
    this.#stream(definition.name)
    this.#sql.prepare('UPDATE streams SET definition = ? WHERE name = ?').run(JSON.stringify(definition), definition.name)
    this.#streams.delete(definition.name)
  }

  definition(name: string): StreamDefinition | undefined {
    return this.#find(name)?.definition
  }

  definitions(after: string, limit: number): StreamDefinition[] {
    const rows = this.#sql.prepare('SELECT definition FROM streams WHERE name > ? ORDER BY name LIMIT ?').all(after, limit)
    return rows.map((row) => JSON.parse(String(row['definition'])) as StreamDefinition)
  }

  remove(name: string): boolean {
    this.#streams.delete(name)
    return this.#sql.prepare('DELETE FROM streams WHERE name = ?').run(name).changes > 0
  }

  shards(name: string, nowMs: number): Shard[] {
    const { number, definition } = this.#stream(name)
    const oldest = nowMs - definition.retentionMs
    // Its records go with what comes to others.
    const gone = this.#sql
      .prepare(
        `DELETE FROM shards WHERE stream = ? AND closed_ms <= ? AND NOT EXISTS (
           SELECT 1 FROM records WHERE records.stream = shards.stream AND records.shard = shards.number
         )`,
      )
      .run(number, oldest)
    if (gone.changes > 0) this.#streams.delete(name)
    return this.#sql
      .prepare('SELECT * FROM shards WHERE stream = ? AND (closed_ms IS NULL OR closed_ms > ?) ORDER BY number')
      .all(number, oldest)
      .map(toShard)
  }

  append(name: string, records: readonly NewStreamRecord[], nowMs: number): Appended[] {
    const stream = this.#stream(name)
    const insert = this.#sql.prepare(
      'INSERT INTO records (stream, shard, arrived_ms, key, data, checksum) VALUES (?, ?, ?, ?, ?, ?) RETURNING sequence',
    )
    // Nothing comes to a closed shard that would take the old away.
    const touched = new Set(stream.closed)
    /** By shard; never before the last one, also where the clock was set back: readers look for times. */
    const arrivals = new Map<number, number>()
    const appended = records.map(({ key, hashKey = hashOf(key), data }) => {
      const shard = stream.open.find(({ startHash, endHash }) => startHash <= hashKey && hashKey <= endHash)
      if (shard === undefined) throw new Refusal('InvalidRequest', `the hash key ${hashKey} is not below 2^128`)
      touched.add(shard.number)
      const arrivedMs = arrivals.get(shard.number) ?? Math.max(nowMs, this.#lastArrival(stream, shard.number))
      arrivals.set(shard.number, arrivedMs)
      const row = insert.get(stream.number, shard.number, arrivedMs, key, data, checksumOf(key, data))
      return { shard: shard.number, sequence: Number(row?.['sequence']) }
    })
    for (const shard of touched) this.#expire(stream, shard, nowMs)
    return appended
  }

  read(name: string, { shard: number, after, limit, maxBytes }: ReadOptions, nowMs: number): ReadResult {
    const stream = this.#stream(name)
    const shard = this.#shard(stream, number)
    const oldest = nowMs - stream.definition.retentionMs
    const records: StoredStreamRecord[] = []
    let bytes = 0
    let next: Row | undefined
    const rows = this.#sql.prepare(
      'SELECT sequence, arrived_ms, key, data, checksum FROM records WHERE stream = ? AND shard = ? AND sequence > ? ORDER BY sequence',
    )
    for (const row of rows.iterate(stream.number, number, after)) {
      const arrivedMs = Number(row['arrived_ms'])
      if (arrivedMs <= oldest) continue
      const data = row['data'] as Uint8Array
      bytes += data.length
      if (records.length === limit || (records.length > 0 && bytes > maxBytes)) {
        next = row
        break
      }
      const key = String(row['key'])
      requireWhole(row['checksum'], checksumOf(key, data), `record ${String(row['sequence'])} of the stream ${name}`)
      records.push({ sequence: Number(row['sequence']), key, arrivedMs, data })
    }
    const behindMs = next === undefined ? 0 : Math.max(1, nowMs - Number(next['arrived_ms']))
    return { records, behindMs, ended: next === undefined && shard.lastSequence !== undefined }
  }

  locate(name: string, number: number, start: StreamStart): number {
    const stream = this.#stream(name)
    this.#shard(stream, number)
    if (start === 'first') return 0
    const [column, condition, value] =
      start === 'latest' ? ['max(sequence)', '1 = ?', 1] : ['min(sequence) - 1', 'arrived_ms >= ?', start.timestampMs]
    const row = this.#sql
      .prepare(`SELECT ${column} AS sequence FROM records WHERE stream = ? AND shard = ? AND ${condition}`)
      .get(stream.number, number, value)
    const found = row?.['sequence']
    if (typeof found === 'number') return found
    // Nothing is there, or nothing that new: what comes next is behind all that ever was.
    return this.#last()
  }

  split(name: string, number: number, hashKey: bigint, nowMs: number): void {
    const stream = this.#stream(name)
    const { startHash, endHash } = this.#openShard(stream, number)
    if (hashKey <= startHash || hashKey > endHash)
      throw new Refusal(
        'InvalidRequest',
        `the new starting hash key ${hashKey} must be above ${startHash} and at most ${endHash}`,
      )
    this.#close(stream, number, nowMs)
    const next = this.#nextShard(stream)
    this.#addShard(stream.number, next, { startHash, endHash: hashKey - 1n, parents: [number] }, nowMs)
    this.#addShard(stream.number, next + 1, { startHash: hashKey, endHash, parents: [number] }, nowMs)
    this.#streams.delete(name)
  }

  merge(name: string, number: number, other: number, nowMs: number): void {
    const stream = this.#stream(name)
    const [low, high] = [this.#openShard(stream, number), this.#openShard(stream, other)].toSorted((a, b) =>
      a.startHash < b.startHash ? -1 : 1,
    ) as [Shard, Shard]
    if (low.endHash + 1n !== high.startHash)
      throw new Refusal('InvalidRequest', `the hash keys of the shards ${number} and ${other} are not adjacent`)
    for (const one of [number, other]) this.#close(stream, one, nowMs)
    const next = this.#nextShard(stream)
    this.#addShard(stream.number, next, { startHash: low.startHash, endHash: high.endHash, parents: [number, other] }, nowMs)
    this.#streams.delete(name)
  }

  saveCheckpoint(name: string, consumer: string, { shard, sequence, state }: Checkpoint): void {
    this.#sql
      .prepare(
        `INSERT INTO checkpoints (stream, consumer, shard, sequence, state) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (stream, consumer, shard) DO UPDATE SET sequence = excluded.sequence, state = excluded.state`,
      )
      .run(this.#stream(name).number, consumer, shard, sequence, state === undefined ? null : JSON.stringify(state))
  }

  checkpoints(name: string, consumer: string): Checkpoint[] {
    const rows = this.#sql
      .prepare('SELECT shard, sequence, state FROM checkpoints WHERE stream = ? AND consumer = ? ORDER BY shard')
      .all(this.#stream(name).number, consumer)
    return rows.map(({ shard, sequence, state }) => ({
      shard: Number(shard),
      sequence: Number(sequence),
      ...(typeof state === 'string' && { state: JSON.parse(state) as unknown }),
    }))
  }

  forget(name: string, consumer: string): void {
    const stream = this.#find(name)
    if (stream === undefined) return
    this.#sql.prepare('DELETE FROM checkpoints WHERE stream = ? AND consumer = ?').run(stream.number, consumer)
  }

  #find(name: string): Stream | undefined {
    const known = this.#streams.get(name)
    if (known !== undefined) return known
    const row = this.#sql.prepare('SELECT number, definition FROM streams WHERE name = ?').get(name)
    if (row === undefined) return undefined
    const number = Number(row['number'])
    const definition = JSON.parse(String(row['definition'])) as StreamDefinition
    const shards = this.#shards(number)
    const open = shards.filter(({ lastSequence }) => lastSequence === undefined)
    const closed = shards.filter((shard) => !open.includes(shard)).map((shard) => shard.number)
    const stream = { number, definition, open, closed }
    this.#streams.set(name, stream)
    return stream
  }

  #stream(name: string): Stream {
    const stream = this.#find(name)
    if (stream === undefined) throw new Refusal('StreamNotFound', `there is no stream ${name}`)
    return stream
  }

  #shards(stream: number): Shard[] {
    return this.#sql.prepare('SELECT * FROM shards WHERE stream = ? ORDER BY number').all(stream).map(toShard)
  }

  #shard(stream: Stream, number: number): Shard {
    const row = this.#sql.prepare('SELECT * FROM shards WHERE stream = ? AND number = ?').get(stream.number, number)
    if (row === undefined) throw new Refusal('StreamNotFound', `the stream ${stream.definition.name} has no shard ${number}`)
    return toShard(row)
  }

  #openShard(stream: Stream, number: number): Shard {
    const shard = this.#shard(stream, number)
    if (shard.lastSequence === undefined) return shard
    throw new Refusal('InvalidRequest', `the shard ${number} of the stream ${stream.definition.name} is closed`)
  }

  #nextShard({ number }: Stream): number {
    const row = this.#sql.prepare('SELECT max(number) AS last FROM shards WHERE stream = ?').get(number)
    return Number(row?.['last']) + 1
  }

  #addShard(
    stream: number,
    number: number,
    { startHash, endHash, parents }: Pick<Shard, 'startHash' | 'endHash' | 'parents'>,
    nowMs: number,
  ): void {
    this.#sql
      .prepare(
        `INSERT INTO shards (stream, number, start_hash, end_hash, parents, first_sequence, created_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(stream, number, String(startHash), String(endHash), JSON.stringify(parents), this.#last() + 1, nowMs)
  }

  #close({ number: stream }: Stream, number: number, nowMs: number): void {
    this.#sql
      .prepare('UPDATE shards SET last_sequence = ?, closed_ms = ? WHERE stream = ? AND number = ?')
      .run(this.#last(), nowMs, stream, number)
  }

  #lastArrival({ number }: Stream, shard: number): number {
    const row = this.#sql
      .prepare('SELECT arrived_ms FROM records WHERE stream = ? AND shard = ? ORDER BY sequence DESC LIMIT 1')
      .get(number, shard)
    return Number(row?.['arrived_ms'] ?? 0)
  }

  /** The last sequence that was ever given. */
  #last(): number {
    return Number(this.#sql.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").get()?.['seq'] ?? 0)
  }

  /** What is too old goes when something new comes. */
  #expire({ number, definition }: Stream, shard: number, nowMs: number): void {
    this.#sql
      .prepare(
        `DELETE FROM records WHERE sequence IN (
           SELECT sequence FROM records WHERE stream = ? AND shard = ? ORDER BY sequence LIMIT ?
         ) AND arrived_ms <= ?`,
      )
      .run(number, shard, MAX_EXPIRED, nowMs - definition.retentionMs)
  }
}

const toShard = (row: Row): Shard => ({
  number: Number(row['number']),
  startHash: BigInt(String(row['start_hash'])),
  endHash: BigInt(String(row['end_hash'])),
  parents: JSON.parse(String(row['parents'])) as number[],
  firstSequence: Number(row['first_sequence']),
  lastSequence: typeof row['last_sequence'] === 'number' ? row['last_sequence'] : undefined,
  createdMs: Number(row['created_ms']),
})
