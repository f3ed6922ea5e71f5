import type { LogTables } from './log-tables.ts'

const DAY_MS = 86_400_000
/** So many chunks go at a time: nothing is written meanwhile. */
const STEP = 256
/** Streams and groups without anything in them go when nothing was written to them for so long; looked for every so often. */
const EMPTY_MS = 60 * 60_000
const EMPTY_EVERY_MS = 10 * 60_000

export interface LogRetention {
  /** For groups without their own. */
  readonly days: number
  /** Of all groups together. */
  readonly maxBytes: number
}

/** Lets go what is too old, and what is too much: then the oldest of the group that has the most, so that none drives out the others'. */
export class Retention {
  readonly #tables: LogTables
  readonly #limits: LogRetention
  #emptiedMs = 0

  constructor(tables: LogTables, limits: LogRetention) {
    this.#tables = tables
    this.#limits = limits
  }

  /** One step; true: there is more to let go. */
  step(nowMs: number): boolean {
    const tooMuch = this.#letGoTooMuch()
    const tooOld = this.#letGoOld(nowMs)
    if (tooMuch || tooOld) return true
    if (nowMs - this.#emptiedMs > EMPTY_EVERY_MS) this.#letGoEmpty(nowMs)
    return false
  }

  get #bytes(): number {
    return Number(this.#tables.prepare('SELECT COALESCE(sum(bytes), 0) AS bytes FROM log_groups').get()?.['bytes'])
  }

  #letGoTooMuch(): boolean {
    const excess = this.#bytes - this.#limits.maxBytes
    if (excess <= 0) return false
    const largest = this.#tables.prepare('SELECT id FROM log_groups ORDER BY bytes DESC LIMIT 1').get()
    const rows = this.#tables
      .prepare('SELECT id, bytes FROM log_chunks WHERE group_id = ? ORDER BY first LIMIT ?')
      .all(Number(largest?.['id']), STEP)
    const going: number[] = []
    let freed = 0
    for (const row of rows) {
      if (freed >= excess) break
      going.push(Number(row['id']))
      freed += Number(row['bytes'])
    }
    this.#delete(Number(largest?.['id']), going, freed)
    return going.length > 0 && excess > freed
  }

  #letGoOld(nowMs: number): boolean {
    let more = false
    for (const row of this.#tables.prepare('SELECT id, retention_days FROM log_groups').all()) {
      const days = Number(row['retention_days'] ?? this.#limits.days)
      const old = this.#tables
        .prepare('SELECT id, bytes FROM log_chunks WHERE group_id = ? AND first < ? AND last < ? LIMIT ?')
        .all(Number(row['id']), nowMs - days * DAY_MS, nowMs - days * DAY_MS, STEP)
      if (old.length === 0) continue
      more ||= old.length === STEP
      this.#delete(
        Number(row['id']),
        old.map((chunk) => Number(chunk['id'])),
        old.reduce((sum, chunk) => sum + Number(chunk['bytes']), 0),
      )
    }
    return more
  }

  #delete(group: number, chunks: readonly number[], bytes: number): void {
    this.#tables.prepare('DELETE FROM log_chunks WHERE id IN (SELECT value FROM json_each(?))').run(JSON.stringify(chunks))
    this.#tables.prepare('UPDATE log_groups SET bytes = max(0, bytes - ?) WHERE id = ?').run(bytes, group)
  }

  /** Streams and groups of which nothing is left. A group with a retention of its own stays: it was made, or changed, on purpose. */
  #letGoEmpty(nowMs: number): void {
    this.#emptiedMs = nowMs
    const empty = 'NOT EXISTS (SELECT 1 FROM log_chunks c WHERE c.stream_id = log_streams.id)'
    this.#tables.prepare(`DELETE FROM log_streams WHERE last_ingestion < ? AND ${empty}`).run(nowMs - EMPTY_MS)
    this.#tables
      .prepare(
        `DELETE FROM log_groups WHERE retention_days IS NULL AND created < ?
         AND NOT EXISTS (SELECT 1 FROM log_streams s WHERE s.group_id = log_groups.id)`,
      )
      .run(nowMs - EMPTY_MS)
  }
}
