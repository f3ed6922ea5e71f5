import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cleanEngineCache, markUsed } from '../../src/build/engine-cache.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = Date.UTC(2030, 0, 1)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-engine-cache-'))
  await mkdir(join(folder, 'artifacts'))
})
afterEach(() => rm(folder, { recursive: true }))

async function used(path: string, daysAgo: number, bytes = 100): Promise<void> {
  const when = new Date(NOW - daysAgo * DAY_MS)
  await writeFile(join(folder, path), new Uint8Array(bytes))
  await utimes(join(folder, path), when, when)
}

const left = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((path) => path !== 'artifacts').toSorted()

describe('the folder of engines', () => {
  it('keeps what was used within a month', async () => {
    await used('new.wasm', 0)
    await used('old.wasm', 29)
    await used('older.wasm', 31)
    await used('artifacts/a.module', 31)
    await used('artifacts/b.module', 1)
    await cleanEngineCache(folder, NOW)
    expect(await left()).toEqual(['artifacts/b.module', 'new.wasm', 'old.wasm'])
  })

  it('gives up what was not used for longest when it is too large, but nothing of the last day', async () => {
    await used('a.wasm', 0.5, 400)
    await used('b.wasm', 0.9, 400)
    await used('c.wasm', 2, 400)
    await used('d.wasm', 1.5, 400)
    await cleanEngineCache(folder, NOW, { maxBytes: 1_300 })
    expect(await left()).toEqual(['a.wasm', 'b.wasm', 'd.wasm'])
    await cleanEngineCache(folder, NOW, { maxBytes: 100 })
    expect(await left()).toEqual(['a.wasm', 'b.wasm'])
  })

  it('counts what is marked as used now, and need not be there', async () => {
    await used('old.wasm', 100)
    await markUsed([join(folder, 'old.wasm'), join(folder, 'none.wasm')])
    await cleanEngineCache(folder, Date.now())
    expect(await left()).toEqual(['old.wasm'])
    await cleanEngineCache(join(folder, 'none'), NOW)
  })
})
