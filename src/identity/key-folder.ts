import { join } from 'node:path'
import { openSeal } from '../store/seal.ts'
import { openSqlite } from '../store/sqlite/open.ts'
import { createStore } from '../store/store.ts'
import { createAccessKey, deleteAccessKey, listAccessKeys, type AccessKey } from './access-key.ts'

export interface KeyFolder {
  create(): Promise<AccessKey>
  list: () => ReturnType<typeof listAccessKeys>
  /** Rejects with `InvalidRequest` when there is none with this id. */
  delete(id: string): Promise<void>
  close(): Promise<void>
}

/** The access keys in a data folder (made when it is not there). Rejects with `AddressInUse` when a host has the folder. `key`: as for `openSeal`. */
export async function openKeys(folder: string, key: string | undefined): Promise<KeyFolder> {
  const store = createStore(await openSqlite(folder))
  try {
    const seal = await openSeal(join(folder, 'secret.key'), key)
    return {
      create: () => createAccessKey(store, seal, Date.now()),
      list: () => listAccessKeys(store),
      delete: (id) => deleteAccessKey(store, id),
      close: () => store.close(),
    }
  } catch (error) {
    await store.close()
    throw error
  }
}
