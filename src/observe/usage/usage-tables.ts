import type { LogTables } from '../logs/log-tables.ts'
import type { Counted, Counts } from './counted.ts'

export interface UsageQuery {
  /** `YYYY-MM-DD`, UTC; both days belong to it. */
  readonly from: string
  readonly to: string
  readonly functionName: string | undefined
}

/** Thirteen months: a month can be compared with that of the year before. */
export const USAGE_DAYS = 400

/** More rows serve nobody at once; a function can be asked for. */
const MAX_ROWS = 10_000

export interface UsagePage {
  /** By day, function and version. */
  readonly rows: readonly Counted[]
  /** There are more than these. */
  readonly truncated: boolean
  /** Of all that was asked for. */
  readonly total: Counts
}

const COLUMNS = ['requests', 'errors', 'throttles', 'billed_ms', 'billed_mb_ms', 'provisioned_mb_ms', 'fuel'] as const

const countsOf = (row: Readonly<Record<string, unknown>>): Counts => ({
  requests: Number(row['requests'] ?? 0),
  errors: Number(row['errors'] ?? 0),
  throttles: Number(row['throttles'] ?? 0),
  billedMs: Number(row['billed_ms'] ?? 0),
  billedMbMs: Number(row['billed_mb_ms'] ?? 0),
  provisionedMbMs: Number(row['provisioned_mb_ms'] ?? 0),
  fuel: Number(row['fuel'] ?? 0),
})

/** What was counted, by day, function and version. */
export class UsageTables {
  readonly #tables: LogTables

  constructor(tables: LogTables) {
    this.#tables = tables
  }

  add(counted: Counted): void {
    const { day, functionName, version, requests, errors, throttles, billedMs, billedMbMs, provisionedMbMs, fuel } = counted
    this.#tables
      .prepare(
        `INSERT INTO usage (day, name, version, requests, errors, throttles, billed_ms, billed_mb_ms, provisioned_mb_ms, fuel)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (day, name, version) DO UPDATE SET requests = requests + excluded.requests, errors = errors + excluded.errors,
           throttles = throttles + excluded.throttles, billed_ms = billed_ms + excluded.billed_ms,
           billed_mb_ms = billed_mb_ms + excluded.billed_mb_ms, provisioned_mb_ms = provisioned_mb_ms + excluded.provisioned_mb_ms,
           fuel = fuel + excluded.fuel`,
      )
      .run(day, functionName, version, requests, errors, throttles, billedMs, billedMbMs, provisionedMbMs, fuel)
  }

  list({ from, to, functionName }: UsageQuery): UsagePage {
    const where = 'day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR name = ?3)'
    const rows = this.#tables
      .prepare(`SELECT * FROM usage WHERE ${where} ORDER BY day, name, version LIMIT ${MAX_ROWS + 1}`)
      .all(from, to, functionName ?? null)
    const sums = COLUMNS.map((column) => `sum(${column}) AS ${column}`).join(', ')
    const total = this.#tables.prepare(`SELECT ${sums} FROM usage WHERE ${where}`).get(from, to, functionName ?? null)
    return {
      rows: rows.slice(0, MAX_ROWS).map((row) => ({
        day: String(row['day']),
        functionName: String(row['name']),
        version: String(row['version']),
        ...countsOf(row),
      })),
      truncated: rows.length > MAX_ROWS,
      total: countsOf(total ?? {}),
    }
  }

  /** Days before this one. */
  forget(before: string): void {
    this.#tables.prepare('DELETE FROM usage WHERE day < ?').run(before)
  }
}
