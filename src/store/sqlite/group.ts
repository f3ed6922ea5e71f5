import type { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'
import { AmpouleError } from '../../errors.ts'
import type { FromThread, ThreadError, ToThread } from './messages.ts'

/** What a thread does with its database. */
export interface DatabaseService<Request> {
  readonly database: DatabaseSync
  /** Synchronous; what it throws undoes what it has changed. */
  run(request: Request): unknown
  writes(request: Request): boolean
  /** Something was undone: what was read before may never have been. */
  undone?(): void
  close(): void
}

/** A group is closed at this size, so that no request waits without end behind later ones. */
const MAX_GROUP = 256

/**
 * Makes this thread the one that owns the writing connection. Requests that arrive while a transaction is being written to disk form the
 * next one together, and none is answered before its transaction is on disk: a flush serves all of them.
 */
export function serveDatabase<Request>(open: () => DatabaseService<Request>): void {
  const port = parentPort
  if (port === null) throw new Error('a database is served by a worker thread')
  const post = (message: FromThread): void => port.postMessage(message)
  let service: DatabaseService<Request>
  try {
    service = open()
  } catch (error) {
    const { code, message } = error instanceof AmpouleError ? error : new AmpouleError('Internal', String(error))
    post({ kind: 'failed', code, message })
    return port.close()
  }
  const { database } = service
  let waiting: { readonly id: number; readonly request: Request }[] = []
  let scheduled = false

  const attempt = (id: number, request: Request): FromThread => {
    const writes = service.writes(request)
    // What fails in a group fails alone.
    if (writes) database.exec('SAVEPOINT request')
    try {
      const answer = service.run(request)
      if (writes) database.exec('RELEASE request')
      return { kind: 'answer', id, answer, wrote: writes }
    } catch (error) {
      // SQLite itself undoes everything where the disk is full: then the whole group has failed.
      if (writes && !database.isTransaction) throw error
      if (writes) database.exec('ROLLBACK TO request; RELEASE request')
      service.undone?.()
      return { kind: 'error', id, error: withoutClass(error) }
    }
  }

  const flush = (): void => {
    scheduled = false
    const group = waiting.splice(0, MAX_GROUP)
    if (waiting.length > 0) schedule()
    const writes = group.some(({ request }) => service.writes(request))
    let answers: FromThread[]
    try {
      if (writes) database.exec('BEGIN IMMEDIATE')
      answers = group.map(({ id, request }) => attempt(id, request))
      if (writes) database.exec('COMMIT')
    } catch (error) {
      // Nothing of the group is on disk, so reads may have seen what is not there.
      if (database.isTransaction) database.exec('ROLLBACK')
      service.undone?.()
      answers = group.map(({ id }) => ({ kind: 'error', id, error: withoutClass(error) }))
    }
    for (const answer of answers) post(answer)
  }

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    // Behind the messages that have arrived already.
    setImmediate(flush)
  }

  port.on('message', ({ id, request }: ToThread<Request>) => {
    if (request !== 'close') {
      waiting.push({ id, request })
      return schedule()
    }
    while (waiting.length > 0) flush()
    service.close()
    post({ kind: 'answer', id, answer: undefined, wrote: false })
    port.close()
  })
  post({ kind: 'open' })
}

/** SQLite, "Result codes": SQLITE_FULL and SQLITE_IOERR, of which nothing is left when there is room again. */
const UNWRITABLE: ReadonlySet<number> = new Set([13, 10])

function withoutClass(error: unknown): ThreadError {
  if (!(error instanceof Error)) return { name: 'Error', code: undefined, message: String(error) }
  const unwritable = 'errcode' in error && UNWRITABLE.has(Number(error.errcode) & 0xff)
  const code = unwritable ? 'StoreUnavailable' : 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { name: error.name, code, message: error.message }
}
