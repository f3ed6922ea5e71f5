import { mkdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { AmpouleError, type ErrorCode } from '../../errors.ts'
import { StaleRead, type StoreEngine } from '../contract.ts'
import type { Answer, FromStoreThread, StoreThreadData, ToStoreThread } from './messages.ts'

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
}

/**
 * Opens the embedded store in `folder` (made when it is not there) on a thread of its own. Rejects with `AddressInUse` when another host
 * has the folder, and with `InvalidConfiguration` when a newer release wrote it.
 */
export async function openSqlite(folder: string): Promise<StoreEngine> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const worker = new Worker(new URL('./store-worker.ts', import.meta.url), {
    workerData: { folder } satisfies StoreThreadData,
  })
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let ended: Error | undefined

  const ask = (request: WithoutId<ToStoreThread>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const id = nextId++
      waiting.set(id, { resolve, reject })
      worker.postMessage({ ...request, id })
    })

  const settle = (message: FromStoreThread): void => {
    if (message.kind === 'open' || message.kind === 'failed') return
    const one = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'answer') one?.resolve(message.answer)
    else if (message.kind === 'stale') one?.reject(new StaleRead(message.message))
    else one?.reject(new AmpouleError('Internal', 'the store failed', { cause: new Error(message.message) }))
  }

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromStoreThread) => {
      if (message.kind === 'open') resolve()
      else if (message.kind === 'failed') reject(new AmpouleError(message.code as ErrorCode, message.message))
      else settle(message)
    })
    worker.on('error', (error) => (ended = new AmpouleError('Internal', 'the store ended', { cause: error })))
    worker.on('exit', () => {
      ended ??= new AmpouleError('ShuttingDown', 'the store is closed')
      reject(ended)
      for (const one of waiting.values()) one.reject(ended)
      waiting.clear()
    })
  })

  return {
    get: async (table, key) => (await ask({ kind: 'get', table, key })) as Awaited<ReturnType<StoreEngine['get']>>,
    list: async (table, options) => (await ask({ kind: 'list', table, options })) as Awaited<ReturnType<StoreEngine['list']>>,
    commit: async (expectations, changes) => void (await ask({ kind: 'commit', expectations, changes })),
    unreferenced: async (hashes) => (await ask({ kind: 'unreferenced', hashes })) as readonly string[],
    async close() {
      if (ended === undefined) await ask({ kind: 'close' })
      await worker.terminate()
    },
  }
}
