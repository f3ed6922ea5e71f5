import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import type { Change, Expectation, Key, ListOptions } from '../contract.ts'
import type { TableName } from '../records.ts'
import { lockFolder, openDatabase } from './database.ts'
import { serveDatabase } from './group.ts'
import { SqliteTables } from './tables.ts'

export type StoreRequest =
  | { readonly kind: 'get'; readonly table: TableName; readonly key: Key }
  | { readonly kind: 'list'; readonly table: TableName; readonly options: ListOptions }
  | { readonly kind: 'commit'; readonly expectations: readonly Expectation[]; readonly changes: readonly Change[] }
  | { readonly kind: 'unreferenced'; readonly hashes: readonly string[] }

export interface StoreThreadData {
  readonly folder: string
}

// The thread of the store.
serveDatabase<StoreRequest>(() => {
  const { folder } = workerData as StoreThreadData
  const lock = lockFolder(join(folder, 'host.lock'), folder)
  const database = openDatabase(join(folder, 'ampoule.sqlite'))
  const tables = new SqliteTables(database)
  return {
    database,
    writes: ({ kind }) => kind === 'commit',
    run(request) {
      switch (request.kind) {
        case 'get':
          return tables.get(request.table, request.key)
        case 'list':
          return tables.list(request.table, request.options)
        case 'unreferenced':
          return tables.unreferenced(request.hashes)
        case 'commit':
          return tables.commit(request.expectations, request.changes)
        default:
          return request satisfies never
      }
    },
    close() {
      database.close()
      lock.close()
    },
  }
})
