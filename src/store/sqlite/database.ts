import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AmpouleError } from '../../errors.ts'
import { MIGRATIONS } from './migrations.ts'

/** Other connections (a backup, a person's) may hold the database for so long before a write fails; milliseconds. */
const BUSY_MS = 10_000

/**
 * Opens the database and brings it to this release's schema. Throws `InvalidConfiguration` for one of a newer release. `first` is done before
 * anything else, for what SQLite takes only while a database is empty.
 */
export function openDatabase(path: string, migrations: readonly string[] = MIGRATIONS, first = ''): DatabaseSync {
  // Left by a host that did not close it, or by a copy of one that runs.
  const isUnclean = existsSync(`${path}-wal`)
  const database = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true })
  try {
    database.exec(first)
    // 64 MB of cache: a queue is written at one end and read at the other, however long it is.
    // WAL: readers and the writer do not wait for each other. FULL: a commit is on disk when it returns, also after a power cut.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536')
    if (isUnclean) check(database, path)
    migrate(database, path, migrations)
    return database
  } catch (error) {
    database.close()
    throw isDamage(error) ? damaged(path, error.message) : error
  }
}

/** Throws for damage of the structure, which a query could meet at any time later. */
function check(database: DatabaseSync, path: string): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (found !== 'ok') throw damaged(path, String(found))
}

/** SQLite, "Result codes": SQLITE_CORRUPT and SQLITE_NOTADB. */
const isDamage = (error: unknown): error is Error =>
  error instanceof Error && 'errcode' in error && [11, 26].includes(Number(error.errcode) & 0xff)

const damaged = (path: string, message: string): AmpouleError =>
  new AmpouleError(
    'InvalidConfiguration',
    `${path} is damaged (${message}): restore the data folder from a backup, or move this file away to begin without what is in it`,
  )

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  const row = database.prepare('PRAGMA user_version').get()
  const version = Number(row?.['user_version'] ?? 0)
  if (version > migrations.length)
    throw new AmpouleError(
      'InvalidConfiguration',
      `${path} has schema ${version}, and this release of Ampoule knows ${migrations.length}: start the newer release that wrote it, or restore a backup from before`,
    )
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(migration)
      database.exec(`PRAGMA user_version = ${index + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
}

/** Keeps a second host out of a folder as long as it is open; the kernel lets go when the process ends, however it ends. Throws `AddressInUse`. */
export function lockFolder(path: string, folder: string): DatabaseSync {
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw new AmpouleError(
      'AddressInUse',
      `the data folder ${folder} is in use by another host: stop it, or choose another folder with --data DIR`,
      { cause: error },
    )
  }
}
