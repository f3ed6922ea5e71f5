import { randomBytes } from 'node:crypto'
import { open, rm, writeFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChunkCache, OpenImage } from '../../../src/engine/files/image.ts'
import { CHUNK_BYTES } from '../../../src/engine/files/index-format.ts'
import { Mounts } from '../../../src/engine/files/mounts.ts'
import type { MountedContents } from '../../../src/wasi/contract.ts'
import type { MountedDirectory } from '../../../src/wasi/filesystem/mount.ts'
import { ImageFolder } from './images.ts'

let images: ImageFolder
beforeAll(async () => {
  images = await ImageFolder.open()
})
afterAll(() => images[Symbol.asyncDispose]())

function contentsOf(image: OpenImage, path: string): MountedContents {
  const file = image.index.files.find((one) => one.path === path)
  if (file === undefined) throw new Error(`no ${path}`)
  return image.contentsOf(file)
}

function readAll(contents: MountedContents): Buffer | undefined {
  const { size } = contents
  const pieces: Uint8Array[] = []
  for (let at = 0; at < size;) {
    const piece = contents.read(at, size)
    if (piece === undefined) return undefined
    expect(piece.length).toBeGreaterThan(0)
    pieces.push(piece)
    at += piece.length
  }
  return Buffer.concat(pieces)
}

describe('an image', () => {
  it('gives every part of every file, whatever lies beside it', async () => {
    const files = {
      'a/small': 'small',
      'a/empty': '',
      large: randomBytes(3 * CHUNK_BYTES + 17),
      exact: randomBytes(CHUNK_BYTES),
      'z/last': 'last',
    }
    using image = new OpenImage(await images.make(files), new ChunkCache(2 * CHUNK_BYTES))
    for (const [path, content] of Object.entries(files)) {
      expect(readAll(contentsOf(image, path))).toEqual(Buffer.from(content))
    }
    const large = contentsOf(image, 'large')
    const { size } = large
    fc.assert(
      fc.property(fc.nat(size + 10), fc.nat(2 * CHUNK_BYTES), (start, length) => {
        const piece = large.read(start, length) ?? new Uint8Array(1)
        expect(piece.length === 0).toBe(start >= size || length === 0)
        expect(Buffer.from(piece).equals(files.large.subarray(start, start + piece.length))).toBe(true)
        expect(piece.length).toBeLessThanOrEqual(length)
      }),
    )
  })

  it('is the same for the same files in any order', async () => {
    const one = await images.make({ a: '1', b: '2' })
    expect(await images.make({ b: '2', a: '1' })).toEqual(one)
    expect(await images.make({ a: '2', b: '1' })).not.toEqual(one)
  })

  it('gives nothing of a part that is not what it was, and all others', async () => {
    const content = randomBytes(3 * CHUNK_BYTES)
    const made = await images.make({ file: content })
    const file = await open(made.data, 'r+')
    await file.write(Buffer.from([(content[CHUNK_BYTES] ?? 0) ^ 1]), 0, 1, CHUNK_BYTES)
    await file.close()
    using image = new OpenImage(made, new ChunkCache(CHUNK_BYTES))
    const damaged = contentsOf(image, 'file')
    expect(damaged.read(CHUNK_BYTES + 5, 10)).toBeUndefined()
    for (const at of [0, 2 * CHUNK_BYTES]) expect(damaged.read(at, 10)).toEqual(new Uint8Array(content.subarray(at, at + 10)))
  })

  it('gives nothing beyond a cut, and is refused when its index is another or anything is missing', async () => {
    const made = await images.make({ file: randomBytes(CHUNK_BYTES + 10) })
    const file = await open(made.data, 'r+')
    await file.truncate(CHUNK_BYTES + 5)
    await file.close()
    {
      using image = new OpenImage(made, new ChunkCache(CHUNK_BYTES))
      expect(contentsOf(image, 'file').read(CHUNK_BYTES, 1)).toBeUndefined()
    }
    await rm(made.data)
    const mounts = new Mounts()
    const spec = { name: 'fn', mounts: [{ path: '/opt', images: [made] }] }
    expect(() => mounts.take(spec)).toThrow('the files of function fn cannot be read: deploy it again')
    await writeFile(made.index.path, '{}')
    expect(() => mounts.take(spec)).toThrow('cannot be read')
    expect(mounts.open).toBe(0)
  })

  it('can be read on when its files are removed', async () => {
    const content = randomBytes(2 * CHUNK_BYTES)
    const made = await images.make({ file: content })
    using image = new OpenImage(made, new ChunkCache(CHUNK_BYTES))
    await rm(made.data)
    expect(readAll(contentsOf(image, 'file'))).toEqual(content)
  })

  it('has no more in memory than the cache may hold', async () => {
    const cache = new ChunkCache(3 * CHUNK_BYTES)
    using image = new OpenImage(await images.make({ file: randomBytes(20 * CHUNK_BYTES) }), cache)
    readAll(contentsOf(image, 'file'))
    expect(cache.bytes).toBe(3 * CHUNK_BYTES)
  })
})

describe('the mounts of a thread', () => {
  const names = (root: MountedDirectory): string[] => [...root.entries.keys()].toSorted()

  it('put later images over earlier ones', async () => {
    const [one, two] = [await images.make({ 'a/x': '1', b: '1' }), await images.make({ 'a/y': '2', b: '22' })]
    using lease = new Mounts().take({ name: 'fn', mounts: [{ path: '/opt', images: [one, two] }] })
    const root = lease.mounts[0]?.root
    expect(root && names(root)).toEqual(['a', 'b'])
    const [folder, file] = [root?.entries.get('a'), root?.entries.get('b')]
    expect(folder?.type === 'directory' && names(folder)).toEqual(['x', 'y'])
    expect(file?.type === 'file' && file.size).toBe(2)
  })

  it('are there once for all functions that have the same, and go with the last of them', async () => {
    const [shared, own] = [await images.make({ a: 'shared' }), await images.make({ a: 'own' })]
    const mounts = new Mounts()
    const first = mounts.take({ name: 'one', mounts: [{ path: '/opt', images: [shared] }] })
    const second = mounts.take({ name: 'two', mounts: [{ path: '/opt', images: [shared] }] })
    const third = mounts.take({ name: 'three', mounts: [{ path: '/opt', images: [shared, own] }] })
    expect(first.mounts[0]).toBe(second.mounts[0])
    expect(mounts.open).toBe(2)
    third[Symbol.dispose]()
    first[Symbol.dispose]()
    expect(mounts.open).toBe(1)
    second[Symbol.dispose]()
    expect(mounts.open).toBe(0)
  })
})
