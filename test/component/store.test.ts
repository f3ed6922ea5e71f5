import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { artifactId, createArtifact } from '../../src/component/artifact.ts'
import { openArtifactStore } from '../../src/component/store.ts'
import { AmpouleError } from '../../src/errors.ts'
import type { Artifact } from '../../src/component/contract.ts'
import { componentText, coreModule, ECHO, echoComponent, quickJs as quickJsFunction, quickJsEcho } from './samples.ts'

const isSupported = (): boolean => true

let echo: Uint8Array<ArrayBuffer>
let quickJs: Uint8Array<ArrayBuffer>
let folder: string

beforeAll(async () => {
  echo = await echoComponent()
  quickJs = await quickJsEcho()
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-artifacts-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Megabytes are compared by their hashes. */
function digested(artifact: Artifact | undefined): unknown {
  return {
    ...artifact,
    modules: artifact?.modules.map(({ hash, bytes, segments, start, report }) => ({
      hash,
      bytes: sha256(bytes),
      segments: segments.map((segment) => ({ ...segment, bytes: sha256(segment.bytes) })),
      start,
      report,
    })),
  }
}

/** The path of the one entry of that kind. */
async function onlyFile(kind: 'artifact' | 'module'): Promise<string> {
  const [name, ...others] = (await readdir(folder)).filter((entry) => entry.endsWith(`.${kind}`))
  if (name === undefined || others.length > 0)
    throw new Error(`expected one ${kind}, found ${others.length + (name === undefined ? 0 : 1)}`)
  return join(folder, name)
}

describe('the artifact store', () => {
  it('gives what createArtifact gives, when it makes an artifact and when it has it', async () => {
    const store = await openArtifactStore(folder, { isSupported })
    const expected = digested(createArtifact(quickJs, { isSupported }))
    expect(digested(await store.put(quickJs))).toEqual(expected)
    expect(digested(await store.put(quickJs))).toEqual(expected)
    expect(digested(await store.load(artifactId(quickJs)))).toEqual(expected)
  })

  it('makes a folder that is not there, and keeps artifacts for the next process', async () => {
    const nested = join(folder, 'a', 'b')
    const { id } = await (await openArtifactStore(nested, { isSupported })).put(echo)
    expect(id).toBe(artifactId(echo))
    const other = await openArtifactStore(nested, { isSupported })
    expect((await other.load(id))?.id).toBe(id)
  })

  it('does the work once when the same content is put several times at once', async () => {
    const store = await openArtifactStore(folder, { isSupported, compileThreads: 4 })
    const all = await Promise.all([store.put(echo), store.put(echo.slice()), store.put(echo)])
    expect(new Set(all).size).toBe(1)
  })

  it('works on different components one after the other when it has one thread', async () => {
    const store = await openArtifactStore(folder, { isSupported, compileThreads: 1 })
    const [first, second] = await Promise.all([store.put(echo), store.put(quickJs)])
    expect(first.id).toBe(artifactId(echo))
    expect(second.id).toBe(artifactId(quickJs))
    expect((await readdir(folder)).filter((name) => name.endsWith('.artifact'))).toHaveLength(2)
  })

  it('is not confused by a caller that changes its bytes afterwards', async () => {
    const store = await openArtifactStore(folder, { isSupported })
    const bytes = echo.slice()
    const put = store.put(bytes)
    bytes.fill(0)
    expect(await put).toEqual(createArtifact(echo, { isSupported }))
  })

  it('has nothing under an id that was never put, and refuses what is not an id', async () => {
    const store = await openArtifactStore(folder, { isSupported })
    expect(await store.load('0'.repeat(64))).toBeUndefined()
    await expect(store.load('../../etc/passwd')).rejects.toMatchObject({ code: 'InvalidRequest' })
  })

  it('refuses to load an entry with any part changed, and repairs it at the next put', async () => {
    const store = await openArtifactStore(folder, { isSupported })
    const { id } = await store.put(echo)
    const path = await onlyFile('artifact')
    const good = await readFile(path)
    const places = [0, 9, 20, 60, Math.floor(good.length / 2), good.length - 1]
    const damaged = places.map((at) => {
      const bytes = Buffer.from(good)
      bytes[at] = (bytes[at] ?? 0) ^ 0x10
      return bytes
    })
    for (const bytes of [
      ...damaged,
      good.subarray(0, good.length - 1),
      good.subarray(0, 30),
      Buffer.alloc(0),
      Buffer.concat([good, good]),
    ]) {
      await writeFile(path, bytes)
      await expect(store.load(id)).rejects.toMatchObject({
        code: 'Internal',
        message: expect.stringContaining('deploy its component again'),
      })
    }
    expect((await store.put(echo)).id).toBe(id)
    expect(await readFile(path)).toEqual(good)
    expect((await store.load(id))?.id).toBe(id)
  })

  it('refuses a core module that was changed or is missing, and repairs it at the next put', async () => {
    const { id } = await (await openArtifactStore(folder, { isSupported })).put(echo)
    const path = await onlyFile('module')
    const good = await readFile(path)
    const changed = Buffer.from(good)
    changed[good.length >> 1]! ^= 1
    for (const damage of [() => writeFile(path, changed), () => writeFile(path, good.subarray(1)), () => rm(path)]) {
      await damage()
      // Another host, which has not read it before.
      const store = await openArtifactStore(folder, { isSupported })
      await expect(store.load(id)).rejects.toMatchObject({ code: 'Internal', message: expect.stringContaining('core module') })
      await store.put(echo)
      expect(await readFile(path)).toEqual(good)
    }
  })

  it('keeps the modules of a language runtime once for all functions on it', async () => {
    const store = await openArtifactStore(folder, { isSupported })
    const one = await store.put(quickJs)
    const files = (await readdir(folder)).length
    const other = await store.put(await quickJsFunction('export function handle() { return new Uint8Array(3) }'))
    expect(other.id).not.toBe(one.id)
    expect(await readdir(folder)).toHaveLength(files + 1)
  })

  it('refuses an entry that was renamed to the id of another component', async () => {
    const store = await openArtifactStore(folder, { isSupported })
    await store.put(echo)
    const other = artifactId(quickJs)
    await writeFile(join(folder, `${other}.artifact`), await readFile(await onlyFile('artifact')))
    await expect(store.load(other)).rejects.toMatchObject({ code: 'Internal' })
  })

  it('hands on what is wrong with a component, and keeps nothing of it', async () => {
    const store = await openArtifactStore(folder, { isSupported, maxComponentBytes: 10_000_000 })
    await expect(store.put(coreModule(ECHO))).rejects.toMatchObject({ code: 'InvalidComponent' })
    await expect(store.put(echo.slice(0, 100))).rejects.toBeInstanceOf(AmpouleError)
    await expect(store.put(new Uint8Array(10_000_001))).rejects.toThrow('the limit is 10000000 (maxComponentBytes)')
    const invalid = await componentText(
      '(component (core module $m (func (export "f") (result i32))) (core instance (instantiate $m)))',
    )
    await expect(store.put(invalid)).rejects.toBeInstanceOf(AmpouleError)
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses unsupported imports, of what it has as well', async () => {
    const lacking = await openArtifactStore(folder, { isSupported: (item) => item.interface !== 'wasi:cli/exit' })
    await expect(lacking.put(quickJs)).rejects.toThrow(/does not have: wasi:cli\/exit@/)
    expect(await readdir(folder)).toEqual([])
    await (await openArtifactStore(folder, { isSupported })).put(quickJs)
    await expect(lacking.put(quickJs)).rejects.toThrow(/does not have: wasi:cli\/exit@/)
  })

  it('gives up on a component that takes too long, and is free for the next', async () => {
    const hasty = await openArtifactStore(folder, { isSupported, compileTimeoutMs: 1 })
    await expect(hasty.put(quickJs)).rejects.toMatchObject({
      code: 'InvalidComponent',
      message: expect.stringContaining('(compileTimeoutMs)'),
    })
    await expect(hasty.put(echo)).rejects.toMatchObject({ code: 'InvalidComponent' })
    expect(await readdir(folder)).toEqual([])
  })
})
