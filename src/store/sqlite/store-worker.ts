import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { AmpouleError } from '../../errors.ts'
import { StaleRead } from '../contract.ts'
import { lockFolder, openDatabase } from './database.ts'
import type { Answer, FromStoreThread, StoreThreadData, ToStoreThread } from './messages.ts'
import { SqliteTables } from './tables.ts'

// The thread that owns the one writing connection. Requests that arrive while a transaction is being written to disk form the next one
// together, and none is answered before its transaction is on disk: a flush serves all of them.
const port = parentPort
if (port === null) throw new Error('store-worker.ts is the entry of a worker thread')
const post = (message: FromStoreThread): void => port.postMessage(message)

type Request = Exclude<ToStoreThread, { readonly kind: 'close' }>

/** A group is closed at this size, so that no request waits without end behind later ones. */
const MAX_GROUP = 256

function open(folder: string): void {
  const lock = lockFolder(join(folder, 'host.lock'), folder)
  const database = openDatabase(join(folder, 'ampoule.sqlite'))
  const tables = new SqliteTables(database)
  let waiting: Request[] = []
  let scheduled = false

  const run = (request: Request): Answer => {
    switch (request.kind) {
      case 'get':
        return tables.get(request.table, request.key)
      case 'list':
        return tables.list(request.table, request.options)
      case 'unreferenced':
        return tables.unreferenced(request.hashes)
      case 'commit':
        tables.commit(request.expectations, request.changes)
        return undefined
      default:
        return request satisfies never
    }
  }

  const attempt = (request: Request): FromStoreThread => {
    const { id } = request
    // What fails in a group fails alone.
    if (request.kind === 'commit') database.exec('SAVEPOINT request')
    try {
      const answer = run(request)
      if (request.kind === 'commit') database.exec('RELEASE request')
      return { kind: 'answer', id, answer }
    } catch (error) {
      if (request.kind === 'commit') database.exec('ROLLBACK TO request; RELEASE request')
      if (error instanceof StaleRead) return { kind: 'stale', id, message: error.message }
      return { kind: 'error', id, message: String(error) }
    }
  }

  const flush = (): void => {
    scheduled = false
    const group = waiting.splice(0, MAX_GROUP)
    if (waiting.length > 0) schedule()
    const writes = group.some(({ kind }) => kind === 'commit')
    let answers: FromStoreThread[]
    try {
      if (writes) database.exec('BEGIN IMMEDIATE')
      answers = group.map(attempt)
      if (writes) database.exec('COMMIT')
    } catch (error) {
      // Nothing of the group is on disk, so reads may have seen what is not there.
      if (database.isTransaction) database.exec('ROLLBACK')
      answers = group.map(({ id }) => ({ kind: 'error', id, message: String(error) }))
    }
    for (const answer of answers) post(answer)
  }

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    // Behind the messages that have arrived already.
    setImmediate(flush)
  }

  port!.on('message', (message: ToStoreThread) => {
    if (message.kind !== 'close') {
      waiting.push(message)
      return schedule()
    }
    while (waiting.length > 0) flush()
    database.close()
    lock.close()
    post({ kind: 'answer', id: message.id, answer: undefined })
    port!.close()
  })
}

try {
  open((workerData as StoreThreadData).folder)
  post({ kind: 'open' })
} catch (error) {
  const { code, message } = error instanceof AmpouleError ? error : new AmpouleError('Internal', String(error))
  post({ kind: 'failed', code, message })
  port.close()
}
