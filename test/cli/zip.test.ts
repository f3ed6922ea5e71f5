import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { zipFiles, zipFolder } from '../../src/cli/zip.ts'
import { openPackage } from '../../src/control/zip.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-test-zip-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const FILES = new Map([
  ['a.txt', Buffer.from('a')],
  ['b/c.txt', Buffer.from('c'.repeat(1000))],
])

test('a zip holds its files as a host reads them', async () => {
  const opened = await openPackage(await zipFiles(FILES))
  expect([...opened.files]).toEqual(['a.txt', 'b/c.txt'])
  expect((await opened.read('b/c.txt')).toString()).toBe('c'.repeat(1000))
})

test('a zip of the same files is the same at any time and in any time zone', async () => {
  const first = await zipFiles(FILES)
  vi.useFakeTimers({ now: Date.UTC(2040, 1, 1), toFake: ['Date'] })
  try {
    expect(await zipFiles(FILES)).toEqual(first)
  } finally {
    vi.useRealTimers()
  }
})

test('a zip of a folder has all files below it, in order, and what links lead to', async () => {
  await mkdir(join(folder, 'z/deep'), { recursive: true })
  await writeFile(join(folder, 'z/deep/x.txt'), 'x')
  await writeFile(join(folder, 'a.txt'), 'a')
  await symlink(join(folder, 'a.txt'), join(folder, 'link.txt'))
  const opened = await openPackage(await zipFolder(folder))
  expect([...opened.files]).toEqual(['a.txt', 'link.txt', 'z/deep/x.txt'])
  expect((await opened.read('link.txt')).toString()).toBe('a')
})
