import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withLock, type LockOptions } from '../../src/build/lock.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-test-lock-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const lock = (name: string, options: Partial<LockOptions> = {}): LockOptions => ({
  path: join(folder, name),
  staleMs: 60_000,
  signal: undefined,
  ...options,
})

test('whoever holds a lock runs alone, and leaves nothing behind', async () => {
  let running = 0
  const most: number[] = []
  const run = async (): Promise<void> => {
    most.push(++running)
    await Promise.resolve()
    running--
  }
  await Promise.all([1, 2, 3].map(() => withLock(lock('a'), run)))
  expect(most).toEqual([1, 1, 1])
  expect((await readdir(folder)).filter((name) => name.startsWith('a'))).toEqual([])
})

test('a lock is given back when what ran under it fails', async () => {
  await expect(withLock(lock('b'), () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
  expect(await withLock(lock('b'), () => Promise.resolve('again'))).toBe('again')
})

test('a lock of a process that has ended is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await writeFile(join(folder, 'c'), String(pid))
  expect(await withLock(lock('c'), () => Promise.resolve('taken'))).toBe('taken')
})

test('a lock that is older than whatever runs under it is taken over', async () => {
  await writeFile(join(folder, 'd'), String(process.pid))
  await utimes(join(folder, 'd'), new Date(0), new Date(0))
  expect(await withLock(lock('d'), () => Promise.resolve('taken'))).toBe('taken')
})

test('waiting for a lock ends with its signal', async () => {
  await writeFile(join(folder, 'e'), String(process.pid))
  const reason = new Error('enough')
  await expect(withLock(lock('e', { signal: AbortSignal.abort(reason) }), () => Promise.resolve())).rejects.toBe(reason)
})
