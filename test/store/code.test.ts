import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCodeStore, type CodeStore } from '../../src/store/code.ts'

let folder: string
let code: CodeStore
let referenced: Set<string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-code-'))
  referenced = new Set()
  code = await openCodeStore(folder, {
    unreferenced: (hashes) => Promise.resolve(hashes.filter((hash) => !referenced.has(hash))),
  })
})
afterEach(() => rm(folder, { recursive: true }))

const files = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)

describe('the code store', () => {
  it('gives bytes back by their hash', async () => {
    using hold = await code.put(Buffer.from('some code'))
    expect((await code.read(hold.sha256))?.toString()).toBe('some code')
    expect(await code.read('0'.repeat(64))).toBeUndefined()
  })

  it('keeps what comes in parts under the hash of the whole, and nothing of what breaks off', async () => {
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      for (const part of ['some ', '', 'code']) yield Promise.resolve(Buffer.from(part))
    }
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield* parts()
      throw new RangeError('no more')
    }
    using whole = await code.put(Buffer.from('some code'))
    using hold = await code.putParts(parts())
    expect([hold.sha256, hold.bytes]).toEqual([whole.sha256, 9])
    await expect(code.putParts(broken())).rejects.toThrow(RangeError)
    expect(await files()).toEqual([whole.sha256])
    expect([await code.size(whole.sha256), await code.size('0'.repeat(64))]).toEqual([9, undefined])
  })

  it('refuses bytes that do not match their hash, and repairs them when they are put again', async () => {
    using hold = await code.put(Buffer.from('some code'))
    await writeFile(code.path(hold.sha256), 'evil code')
    await expect(code.read(hold.sha256)).rejects.toThrow('does not match its hash')
    using again = await code.put(Buffer.from('some code'))
    expect((await code.read(again.sha256))?.toString()).toBe('some code')
  })

  it('removes only what no record references and nobody holds', async () => {
    const kept = await code.put(Buffer.from('referenced'))
    const held = await code.put(Buffer.from('held'))
    const free = await code.put(Buffer.from('free'))
    referenced.add(kept.sha256)
    kept[Symbol.dispose]()
    free[Symbol.dispose]()
    await code.collect([kept.sha256, held.sha256, free.sha256])
    expect((await files()).toSorted()).toEqual([kept.sha256, held.sha256].toSorted())
    held[Symbol.dispose]()
    await code.collectAll()
    expect(await files()).toEqual([kept.sha256])
  })

  it('removes what a crash has left half written', async () => {
    const hold = await code.put(Buffer.from('a'))
    await writeFile(join(folder, hold.sha256.slice(0, 2), 'left.tmp'), 'half')
    await code.collectAll()
    expect(await files()).toEqual([hold.sha256])
  })

  it('has what is put while it collects', async () => {
    const bytes = Array.from({ length: 40 }, (_, index) => Buffer.from(`code ${index}`))
    for (const one of bytes) (await code.put(one))[Symbol.dispose]()
    const collected = code.collectAll()
    const holds = await Promise.all(bytes.map((one) => code.put(one)))
    await collected
    for (const { sha256 } of holds) expect(await code.read(sha256)).toBeDefined()
  })
})
