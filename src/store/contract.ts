import type { Records, TableName } from './records.ts'

/** The values of a table's key columns, in their order. */
export type Key = readonly (string | number)[]

/** A record, and the revision that this state of it has. Revisions only grow; no two states of the store have the same. */
export interface Stored<R> {
  readonly record: R
  readonly revision: number
}

export interface ListOptions {
  /** Columns that must be equal to these values. */
  readonly where?: Readonly<Record<string, string | number>>
  /** Only what stands behind this key, in the order of keys. */
  readonly after?: Key
  /** At most so many. Default: all. */
  readonly limit?: number
}

export type Change =
  | {
      readonly kind: 'put'
      readonly table: TableName
      readonly key: Key
      /** By name, beside those of the key. */
      readonly columns: Readonly<Record<string, string | number>>
      readonly record: unknown
      readonly references: readonly string[]
    }
  | { readonly kind: 'delete'; readonly table: TableName; readonly where: Readonly<Record<string, string | number>> }

/** What a commit stands on: that the record still has this revision; 0: that there is none. */
export interface Expectation {
  readonly table: TableName
  readonly key: Key
  readonly revision: number
}

/**
 * Where state lives. Everything that is acknowledged is on disk. One conformance suite (test/store/conformance.ts) says what an engine
 * must do. Rejections are `AmpouleError`s with code `Internal`, but for `commit`.
 */
export interface StoreEngine {
  /** Why nothing can be written now, in words for everybody; undefined: something can. */
  readonly trouble: string | undefined
  get(table: TableName, key: Key): Promise<Stored<unknown> | undefined>
  /** In the order of keys. */
  list(table: TableName, options: ListOptions): Promise<readonly Stored<unknown>[]>
  /** All changes, in order, or none. Rejects with {@link StaleRead} when an expectation does not hold. */
  commit(expectations: readonly Expectation[], changes: readonly Change[]): Promise<void>
  /** Which of these hashes no record references. */
  unreferenced(hashes: readonly string[]): Promise<readonly string[]>
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Something that a transaction has read was changed before it could be committed. */
export class StaleRead extends Error {
  override readonly name = 'StaleRead'
}

/** A transaction: what it reads is as it was read when it is committed, or it is run again. */
export interface Transaction {
  get<Name extends TableName>(table: Name, key: Key): Promise<Records[Name] | undefined>
  /** Not protected: what is listed may have changed at the commit. Read a record that every change of the list goes through, too. */
  list<Name extends TableName>(table: Name, options?: ListOptions): Promise<readonly Records[Name][]>
  /** Creates or replaces. */
  put<Name extends TableName>(table: Name, record: Records[Name]): void
  /** Every record of the table whose columns have these values. */
  delete(table: TableName, where: Readonly<Record<string, string | number>>): void
}

/** The store as everything above it sees it. */
export interface Store {
  /** As the engine's. */
  readonly trouble: string | undefined
  get<Name extends TableName>(table: Name, key: Key): Promise<Records[Name] | undefined>
  list<Name extends TableName>(table: Name, options?: ListOptions): Promise<readonly Records[Name][]>
  /**
   * Runs `work`, then commits what it has put and deleted; resolves when that is on disk. Runs it again when something that it has read was
   * changed meanwhile, so `work` does nothing but read and compute. What it throws changes nothing.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /** Which of these hashes no record references. */
  unreferenced(hashes: readonly string[]): Promise<readonly string[]>
  close(): Promise<void>
}
