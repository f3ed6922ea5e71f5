import type { DatabaseSync } from 'node:sqlite'
import { StaleRead, type Change, type Expectation, type Key, type ListOptions, type Stored } from '../contract.ts'
import { TABLES, type TableName } from '../records.ts'
import { Statements } from './statements.ts'

/** Reads and changes of the database, synchronous: for the thread that owns the connection. */
export class SqliteTables {
  readonly #sql: Statements

  constructor(database: DatabaseSync) {
    this.#sql = new Statements(database)
  }

  get(table: TableName, key: Key): Stored<unknown> | undefined {
    const row = this.#sql.prepare(`SELECT revision, record FROM ${table} WHERE ${equal(TABLES[table].key)}`).get(...key)
    return row === undefined ? undefined : stored(row)
  }

  list(table: TableName, { where = {}, after, limit = -1 }: ListOptions): readonly Stored<unknown>[] {
    const { key } = TABLES[table]
    const columns = Object.keys(where).map((column) => known(table, column))
    const conditions = [
      ...columns.map((column) => `${column} = ?`),
      // A row value compares column by column, as keys are ordered.
      ...(after === undefined ? [] : [`(${key.join(', ')}) > (${key.map(() => '?').join(', ')})`]),
    ]
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const rows = this.#sql.prepare(`SELECT revision, record FROM ${table} ${filter} ORDER BY ${key.join(', ')} LIMIT ?`)
    return rows.all(...Object.values(where), ...(after ?? []), limit).map(stored)
  }

  /** To be called inside a transaction that is rolled back when this throws. */
  commit(expectations: readonly Expectation[], changes: readonly Change[]): void {
    for (const { table, key, revision } of expectations) {
      const row = this.#sql.prepare(`SELECT revision FROM ${table} WHERE ${equal(TABLES[table].key)}`).get(...key)
      if (Number(row?.['revision'] ?? 0) !== revision) throw new StaleRead(`${table} ${key.join(' ')} has changed`)
    }
    for (const change of changes)
      if (change.kind === 'put') this.#put(change)
      else this.#delete(change.table, change.where)
  }

  unreferenced(hashes: readonly string[]): readonly string[] {
    const find = this.#sql.prepare('SELECT 1 FROM code_references WHERE hash = ? LIMIT 1')
    return hashes.filter((hash) => find.get(hash) === undefined)
  }

  #put({ table, key, columns, record, references }: Extract<Change, { readonly kind: 'put' }>): void {
    const keyNames = TABLES[table].key
    const others = [...Object.keys(columns).map((column) => known(table, column)), 'revision', 'record']
    const names = [...keyNames, ...others]
    const insert = this.#sql.prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
       ON CONFLICT (${keyNames.join(', ')}) DO UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    )
    const next = this.#sql.prepare('UPDATE revision SET last = last + 1 RETURNING last').get()
    insert.run(...key, ...Object.values(columns), Number(next?.['last']), JSON.stringify(record))
    const owner = ownerOf(table, key)
    this.#sql.prepare('DELETE FROM code_references WHERE owner = ?').run(owner)
    for (const hash of references) this.#sql.prepare('INSERT INTO code_references (owner, hash) VALUES (?, ?)').run(owner, hash)
  }

  #delete(table: TableName, where: Readonly<Record<string, string | number>>): void {
    const { key } = TABLES[table]
    const columns = Object.keys(where).map((column) => known(table, column))
    if (columns.length === 0) throw new Error('a deletion must say what it deletes')
    const gone = this.#sql.prepare(`DELETE FROM ${table} WHERE ${equal(columns)} RETURNING ${key.join(', ')}`)
    for (const row of gone.all(...Object.values(where)))
      this.#sql.prepare('DELETE FROM code_references WHERE owner = ?').run(
        ownerOf(
          table,
          key.map((column) => row[column]),
        ),
      )
  }
}

const equal = (columns: readonly string[]): string => columns.map((column) => `${column} = ?`).join(' AND ')

/** Names become part of the SQL: only those that the table declares. */
function known(table: TableName, column: string): string {
  const { key, columns = [] }: { readonly key: readonly string[]; readonly columns?: readonly string[] } = TABLES[table]
  if (key.includes(column) || columns.includes(column)) return column
  throw new Error(`${table} has no column ${column}`)
}

const ownerOf = (table: TableName, key: readonly unknown[]): string => JSON.stringify([table, ...key])

function stored(row: Record<string, unknown>): Stored<unknown> {
  return { record: JSON.parse(String(row['record'])) as unknown, revision: Number(row['revision']) }
}
