import type { Change, Expectation, Key, ListOptions, Stored } from '../contract.ts'
import type { TableName } from '../records.ts'

export interface StoreThreadData {
  readonly folder: string
}

export type ToStoreThread =
  | { readonly kind: 'get'; readonly id: number; readonly table: TableName; readonly key: Key }
  | { readonly kind: 'list'; readonly id: number; readonly table: TableName; readonly options: ListOptions }
  | {
      readonly kind: 'commit'
      readonly id: number
      readonly expectations: readonly Expectation[]
      readonly changes: readonly Change[]
    }
  | { readonly kind: 'unreferenced'; readonly id: number; readonly hashes: readonly string[] }
  | { readonly kind: 'close'; readonly id: number }

export type Answer = Stored<unknown> | readonly Stored<unknown>[] | readonly string[] | undefined

export type FromStoreThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'stale'; readonly id: number; readonly message: string }
  | { readonly kind: 'error'; readonly id: number; readonly message: string }
