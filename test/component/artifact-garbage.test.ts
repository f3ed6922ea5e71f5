import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { artifactId } from '../../src/component/artifact.ts'
import { openArtifactStore, type ArtifactStore } from '../../src/component/store.ts'
import { echoComponent, quickJs } from './samples.ts'

let echo: Uint8Array<ArrayBuffer>
let one: Uint8Array<ArrayBuffer>
let other: Uint8Array<ArrayBuffer>
beforeAll(async () => {
  echo = await echoComponent()
  one = await quickJs('export function handle() { return new Uint8Array(1) }')
  other = await quickJs('export function handle() { return new Uint8Array(2) }')
})

let folder: string
let referenced: Set<string>
let store: ArtifactStore
const open = (): Promise<ArtifactStore> =>
  openArtifactStore(folder, {
    isSupported: () => true,
    unreferenced: (ids) => Promise.resolve(ids.filter((id) => !referenced.has(id))),
  })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-artifact-garbage-'))
  referenced = new Set()
  store = await open()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const files = async (): Promise<string[]> => (await readdir(folder)).toSorted()

describe('artifacts', () => {
  it('go when nothing refers to them, and modules with the last artifact that has them', async () => {
    for (const component of [one, other, echo]) referenced.add((await store.put(component)).id)
    const all = await files()
    referenced.delete(artifactId(one))
    await store.collect([artifactId(one)])
    // Those of its language runtime are the other's as well.
    expect(await files()).toEqual(all.filter((name) => name !== `${artifactId(one)}.artifact`))
    referenced.delete(artifactId(other))
    await store.collect([artifactId(other), artifactId(echo), '0'.repeat(64)])
    expect((await files()).filter((name) => name.endsWith('.artifact'))).toEqual([`${artifactId(echo)}.artifact`])
    expect((await store.load(artifactId(echo)))?.id).toBe(artifactId(echo))
    referenced.clear()
    await store.collectAll()
    expect(await files()).toEqual([])
    expect((await store.put(one)).id).toBe(artifactId(one))
  })

  it('stay as long as somebody holds them', async () => {
    const id = artifactId(echo)
    {
      using _first = store.hold(id)
      using _second = store.hold(id)
      await store.put(echo)
      await store.collectAll()
      expect((await store.load(id))?.id).toBe(id)
    }
    await store.collectAll()
    expect(await store.load(id)).toBeUndefined()
  })

  it('are found by another process as they are, with what a crash has left', async () => {
    referenced.add((await store.put(one)).id)
    await store.put(echo)
    const kept = await files()
    await writeFile(join(folder, `${'1'.repeat(64)}.module`), 'of an artifact that is gone')
    await writeFile(join(folder, `${'2'.repeat(64)}.artifact.x.tmp`), 'half')
    await writeFile(join(folder, `${'3'.repeat(64)}.artifact`), 'damaged')
    await (await open()).collectAll()
    const left = await files()
    expect(left.length).toBeGreaterThan(1)
    expect(kept).toEqual(expect.arrayContaining(left))
    expect(left.filter((name) => name.endsWith('.artifact'))).toEqual([`${artifactId(one)}.artifact`])
    expect((await (await open()).load(artifactId(one)))?.id).toBe(artifactId(one))
  })

  it('are there after they were put, however often they are collected meanwhile', async () => {
    const id = artifactId(echo)
    for (let round = 0; round < 100; round++) {
      using _hold = store.hold(id)
      const [, put] = await Promise.all([store.collectAll(), store.put(echo), store.collect([id])])
      expect(put.id).toBe(id)
      expect((await (await open()).load(id))?.id).toBe(id)
      if (round % 3 === 0) _hold[Symbol.dispose]()
      await store.collect([id])
    }
  })
})
