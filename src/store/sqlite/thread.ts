import { Worker } from 'node:worker_threads'
import { AmpouleError, type ErrorCode } from '../../errors.ts'
import type { FromThread, ThreadError } from './messages.ts'

/** A thread that owns a database (group.ts), as other threads see it. */
export interface DatabaseThread<Request> {
  /** Rejects with what `toError` made of the failure, and with `ShuttingDown` when the thread has been closed. */
  ask(request: Request): Promise<unknown>
  /** Why nothing can be written, as far as it was tried; undefined: something can. */
  readonly trouble: string | undefined
  /** Waits for what was asked before. */
  close(): Promise<void>
}

interface Waiting {
  resolve(answer: unknown): void
  reject(error: Error): void
}

/** Starts `program` and resolves when its database is open; rejects with what it could not be opened for. */
export async function startThread<Request extends object>(
  program: URL,
  workerData: unknown,
  toError: (error: ThreadError) => Error,
): Promise<DatabaseThread<Request>> {
  const worker = new Worker(program, { workerData })
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let ended: Error | undefined
  let trouble: string | undefined

  const ask = (request: Request | 'close'): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const id = nextId++
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, request })
    })

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'open') return resolve()
      if (message.kind === 'failed') return reject(new AmpouleError(message.code as ErrorCode, message.message))
      const one = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.kind === 'answer') {
        if (message.wrote) trouble = undefined
        one?.resolve(message.answer)
      } else {
        if (message.error.code === 'StoreUnavailable') trouble = UNWRITABLE
        one?.reject(toError(message.error))
      }
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
    ask,
    get trouble() {
      return trouble
    },
    async close() {
      if (ended === undefined) await ask('close')
      await worker.terminate()
    },
  }
}

/** For what the thread did not expect. */
export const storeFailed = ({ code, message }: ThreadError): AmpouleError =>
  code === 'StoreUnavailable'
    ? new AmpouleError('StoreUnavailable', `${UNWRITABLE} (${message}): make room on its disk, and try again`)
    : new AmpouleError('Internal', 'the store failed', { cause: new Error(message) })

const UNWRITABLE = 'the data folder cannot be written'
