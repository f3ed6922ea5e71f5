import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { AmpouleError } from '../../errors.ts'
import { openDatabase } from '../../store/sqlite/database.ts'
import { USAGE_DAYS, UsageTables } from '../usage/usage-tables.ts'
import { unpackBatch } from './batch.ts'
import { FilterPatternError } from './filter-pattern-error.ts'
import { LogReader } from './log-reader.ts'
import { LogTables } from './log-tables.ts'
import type { FromLogThread, LogAnswers, LogThreadData, ToLogThread } from './messages.ts'
import { LOG_MIGRATIONS } from './migrations.ts'
import { dayOf } from './names.ts'
import { Retention } from './retention.ts'

// The thread that owns the database of logs and usage. It is not that of the store: however much is logged, nothing else waits for it.
const port = parentPort
if (port === null) throw new Error('log-worker.ts is the entry of a worker thread')
const post = (message: FromLogThread): void => port.postMessage(message)

const SWEEP_MS = 10_000
/** So many pages go back to the file system at a time. */
const VACUUM_PAGES = 256
const DAY_MS = 86_400_000

function open({ folder, retention: limits }: LogThreadData): void {
  // INCREMENTAL: what retention lets go does not keep its room on the disk.
  const database = openDatabase(join(folder, 'logs.sqlite'), LOG_MIGRATIONS, 'PRAGMA auto_vacuum = INCREMENTAL')
  // A commit survives the end of the process, however it ends; a power cut may take the last ones. Nobody waits for a flush of the disk.
  database.exec('PRAGMA synchronous = NORMAL')
  const tables = new LogTables(database)
  const reader = new LogReader(tables)
  const usage = new UsageTables(tables)
  const retention = new Retention(tables, limits)

  const inTransaction = <T>(work: () => T): T => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  const answers: {
    readonly [Kind in keyof LogAnswers]: (...args: Parameters<LogAnswers[Kind]>) => ReturnType<LogAnswers[Kind]>
  } = {
    append: (bytes) => {
      const { chunks, counted } = unpackBatch(bytes)
      const now = Date.now()
      inTransaction(() => {
        for (const chunk of chunks) tables.append(chunk, now)
        for (const one of counted) usage.add(one)
      })
    },
    count: (counted) => inTransaction(() => counted.forEach((one) => usage.add(one))),
    groups: (query) => tables.groups(query),
    streams: (query) => tables.streams(query),
    events: (query) => reader.events(query),
    filter: (query) => reader.filter(query),
    retain: (group, days) => tables.retain(group, days),
    deleteGroup: (group) => tables.deleteGroup(group),
    usage: (query) => usage.list(query),
    sweep: (nowMs) => {
      while (inTransaction(() => retention.step(nowMs)));
      database.exec(`PRAGMA incremental_vacuum`)
    },
  }

  let timer: NodeJS.Timeout
  const sweep = (): void => {
    let more = false
    try {
      more = inTransaction(() => {
        usage.forget(dayOf(Date.now() - USAGE_DAYS * DAY_MS))
        return retention.step(Date.now())
      })
      database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`)
    } catch (error) {
      post({ kind: 'trouble', message: `old logs could not be removed: ${String(error)}` })
    }
    // Behind what has arrived meanwhile.
    timer = more ? setTimeout(sweep, 1) : setTimeout(sweep, SWEEP_MS)
  }
  sweep()

  port!.on('message', ({ id, kind, args }: ToLogThread) => {
    try {
      if (kind === 'close') {
        clearTimeout(timer)
        database.close()
        post({ kind: 'answer', id, answer: undefined })
        return port!.close()
      }
      // Of this release, and paired with its arguments by `LogStore`.
      const answer = (answers[kind] as (...args: readonly unknown[]) => unknown)(...args)
      post({ kind: 'answer', id, answer })
    } catch (error) {
      post({
        kind: 'error',
        id,
        refused: error instanceof FilterPatternError,
        message: error instanceof Error ? error.message : String(error),
      })
    }
  })
}

try {
  open(workerData as LogThreadData)
  post({ kind: 'open' })
} catch (error) {
  const { code, message } = error instanceof AmpouleError ? error : new AmpouleError('Internal', String(error))
  post({ kind: 'failed', code, message })
  port.close()
}
