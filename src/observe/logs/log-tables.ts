import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { constants, zstdCompressSync } from 'node:zlib'
import type { Chunk } from './batch.ts'
import { logGroupOf } from './names.ts'
import type { GroupQuery, LogGroup, LogStream, StreamQuery } from './query.ts'

type Row = Readonly<Record<string, unknown>>

/** Below this a chunk gains nothing. */
const COMPRESS_BYTES = 512
/** What a chunk takes besides its entries: its row and what the indexes have of it. */
export const CHUNK_BYTES = 120

/** Groups, streams and what is added to them; synchronous, for the thread that owns the database. */
export class LogTables {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** A prepared statement, made once. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  append({ functionName, version, stream, firstMs, lastMs, entries }: Chunk, nowMs: number): void {
    const compressed = entries.length >= COMPRESS_BYTES
    const kept = compressed ? zstdCompressSync(entries, LEVEL) : entries
    const bytes = kept.length + CHUNK_BYTES
    const group = this.prepare(
      `INSERT INTO log_groups (name, created, bytes, span) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET bytes = bytes + excluded.bytes, span = max(span, excluded.span) RETURNING id`,
    ).get(logGroupOf(functionName), nowMs, bytes, lastMs - firstMs)
    const groupId = Number(group?.['id'])
    const found = this.prepare(
      `INSERT INTO log_streams (group_id, name, version, created, first_event, last_event, last_ingestion) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (group_id, name) DO UPDATE SET first_event = min(first_event, excluded.first_event),
         last_event = max(last_event, excluded.last_event), last_ingestion = excluded.last_ingestion RETURNING id`,
    ).get(groupId, stream, version, nowMs, firstMs, lastMs, nowMs)
    this.prepare(
      'INSERT INTO log_chunks (group_id, stream_id, first, last, ingested, bytes, compressed, entries) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ).run(groupId, Number(found?.['id']), firstMs, lastMs, nowMs, bytes, compressed ? 1 : 0, kept)
  }

  groups({ prefix, pattern, after, limit }: GroupQuery): readonly LogGroup[] {
    return this.prepare(
      `SELECT * FROM log_groups WHERE substr(name, 1, length(?1)) = ?1 AND instr(name, ?2) > 0 AND name > ?3 ORDER BY name LIMIT ?4`,
    )
      .all(prefix, pattern, after ?? '', limit)
      .map((row) => ({
        name: String(row['name']),
        createdMs: Number(row['created']),
        retentionDays: row['retention_days'] === null ? undefined : Number(row['retention_days']),
        bytes: Number(row['bytes']),
      }))
  }

  /** Undefined: there is no such group. */
  groupOf(name: string): { readonly id: number; readonly span: number } | undefined {
    const row = this.prepare('SELECT id, span FROM log_groups WHERE name = ?').get(name)
    return row === undefined ? undefined : { id: Number(row['id']), span: Number(row['span']) }
  }

  /** Undefined: there is no such group. */
  streams({ group, prefix, orderBy, descending, after, limit }: StreamQuery): readonly LogStream[] | undefined {
    const found = this.groupOf(group)
    if (found === undefined) return undefined
    const [order, beyond] = descending ? ['DESC', '<'] : ['ASC', '>']
    const byTime = orderBy === 'last event'
    const behind = byTime ? `(last_event, name) ${beyond} (?3, ?4)` : `name ${beyond} ?4`
    return this.prepare(
      `SELECT * FROM log_streams WHERE group_id = ?1 AND substr(name, 1, length(?2)) = ?2 AND (?4 IS NULL OR ${behind})
       ORDER BY ${byTime ? `last_event ${order}, name ${order}` : `name ${order}`} LIMIT ?5`,
    )
      .all(found.id, prefix, after?.lastMs ?? null, after?.name ?? null, limit)
      .map(streamOf)
  }

  /** False: there is no such group. `days` undefined: the host's. */
  retain(group: string, days: number | undefined): boolean {
    return this.prepare('UPDATE log_groups SET retention_days = ? WHERE name = ?').run(days ?? null, group).changes > 0
  }

  /** False: there is no such group. Its streams and chunks go with it. */
  deleteGroup(group: string): boolean {
    return this.prepare('DELETE FROM log_groups WHERE name = ?').run(group).changes > 0
  }
}

/** Entries of the same requests lie beside each other: more effort would gain little. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const streamOf = (row: Row): LogStream => ({
  name: String(row['name']),
  version: String(row['version']),
  createdMs: Number(row['created']),
  firstMs: Number(row['first_event']),
  lastMs: Number(row['last_event']),
  ingestedMs: Number(row['last_ingestion']),
})
