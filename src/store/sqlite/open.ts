import { mkdir } from 'node:fs/promises'
import { StaleRead, type StoreEngine } from '../contract.ts'
import type { StoreRequest, StoreThreadData } from './store-worker.ts'
import { startThread, storeFailed } from './thread.ts'

/**
 * Opens the embedded store in `folder` (made when it is not there) on a thread of its own. Rejects with `AddressInUse` when another host
 * has the folder, and with `InvalidConfiguration` when a newer release wrote it.
 */
export async function openSqlite(folder: string): Promise<StoreEngine> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const thread = await startThread<StoreRequest>(
    new URL('./store-worker.ts', import.meta.url),
    { folder } satisfies StoreThreadData,
    (error) => (error.name === 'StaleRead' ? new StaleRead(error.message) : storeFailed(error)),
  )
  const ask = (request: StoreRequest) => thread.ask(request)
  return {
    get trouble() {
      return thread.trouble
    },
    get: async (table, key) => (await ask({ kind: 'get', table, key })) as Awaited<ReturnType<StoreEngine['get']>>,
    list: async (table, options) => (await ask({ kind: 'list', table, options })) as Awaited<ReturnType<StoreEngine['list']>>,
    commit: async (expectations, changes) => void (await ask({ kind: 'commit', expectations, changes })),
    unreferenced: async (hashes) => (await ask({ kind: 'unreferenced', hashes })) as readonly string[],
    close: () => thread.close(),
  }
}
