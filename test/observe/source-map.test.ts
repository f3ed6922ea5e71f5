import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SourceMaps } from '../../src/observe/source-map.ts'

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-map-'))
  path = join(folder, 'map.json')
  // Line 1 is line 1 of the author's, line 2 line 2 of the runtime, line 3 line 1 of a package.
  const map = {
    version: 3,
    file: 'function.js',
    names: [],
    sources: ['index.ts', '../guest-sdk/runtime/dispatch.ts', '../node_modules/x/x.js'],
    sourcesContent: ['first line of the author\nsecond', 'runtime', 'package'],
    mappings: 'AAAA;ACCA;ACDA',
  }
  await writeFile(path, JSON.stringify(map))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a source map', () => {
  test('leads to the files of the author, without the frames of the runtime', async () => {
    const { frames, excerpt } = await new SourceMaps().apply('x@function.js:3:1\nrun@function.js:2:1\nfetch@function.js:1:1', {
      path,
      root: 'app/src',
    })
    expect(frames).toEqual([
      { function: 'x', file: 'app/node_modules/x/x.js', line: 1, column: 1 },
      { function: 'fetch', file: 'app/src/index.ts', line: 1, column: 1 },
    ])
    expect(excerpt).toEqual({ first: 1, lines: ['first line of the author', 'second'], line: 1, column: 1 })
  })

  test.each([
    ['places that it does not have', 'f@function.js:999999:1\ng@function.js:0:0'],
    ['files of the engine', 'f@runtime.js:1:1\ng@/etc/passwd:1:1'],
  ])('makes nothing of %s', async (_, stack) => {
    expect(await new SourceMaps().apply(stack, { path, root: '' })).toEqual({ frames: [], excerpt: undefined })
  })

  test.each([
    ['is not there', async () => join(folder, 'none')],
    [
      'is no map',
      async () => {
        await writeFile(join(folder, 'broken'), '{"version":3')
        return join(folder, 'broken')
      },
    ],
  ])('that %s gives no frames and no error', async (_, made) => {
    const location = { path: await made(), root: '' }
    expect(await new SourceMaps().apply('f@function.js:1:1', location)).toEqual({ frames: [], excerpt: undefined })
  })
})
