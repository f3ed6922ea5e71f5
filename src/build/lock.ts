import { randomUUID } from 'node:crypto'
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

export interface LockOptions {
  /** File that exists while the lock is held; it names the process that holds it. */
  readonly path: string
  /** Milliseconds after which whoever holds it is not believed any more. */
  readonly staleMs: number
  readonly signal: AbortSignal | undefined
}

const POLL_MS = 100

/**
 * Runs `run` in one process at a time. A lock that is stale, or whose process has ended, is taken over; two that do so at the same
 * moment may both run, so `run` must only be wasteful twice, not wrong.
 */
export async function withLock<T>({ path, staleMs, signal }: LockOptions, run: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    signal?.throwIfAborted()
    if (await isAbandoned(path, staleMs)) await rm(path, { force: true })
    else await setTimeout(POLL_MS)
  }
  try {
    return await run()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<boolean> {
  // Linked rather than opened: the file is never there without its content.
  const own = `${path}.${randomUUID()}`
  try {
    await writeFile(own, String(process.pid))
    await link(own, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(own, { force: true })
  }
}

async function isAbandoned(path: string, staleMs: number): Promise<boolean> {
  try {
    if (Date.now() - (await stat(path)).mtimeMs > staleMs) return true
    process.kill(Number(await readFile(path, 'utf8')), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
