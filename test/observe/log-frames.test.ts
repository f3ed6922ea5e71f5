import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogFrames } from '../../src/observe/log-frames.ts'

let folder: string
let location: { readonly path: string; readonly root: string }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-log-frames-'))
  location = { path: join(folder, 'map.json'), root: 'app' }
  // Line 1 is line 1 of the author's file; line 2 was made by the bundler.
  const map = { version: 3, names: [], sources: ['index.ts'], sourcesContent: ['first'], mappings: 'AAAA;' }
  await writeFile(location.path, JSON.stringify(map))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a frame of the bundle is led to the author’s file, with its indentation', () => {
  expect(new LogFrames().apply('    at fetch (function.js:1:1)', location)).toBe('    at fetch (app/index.ts:1:1)')
  expect(new LogFrames().apply('at function.js:1:1', location)).toBe('at app/index.ts:1:1')
})

test('a frame that the bundler made is left out', () => {
  expect(new LogFrames().apply('    at step (function.js:2:1)', location)).toBeUndefined()
})

test.each(['', 'function.js:1:1', 'looked at it', '    at read (other.js:1:1)', '    at next (native)', 'at function.js'])(
  'what is no frame of the bundle stays as it is: "%s"',
  (line) => {
    expect(new LogFrames().apply(line, location)).toBe(line)
  },
)

test.each(['none', 'broken'])('without a map that can be read lines stay as they are: %s', async (name) => {
  await writeFile(join(folder, 'broken'), '{"version":3')
  const line = '    at fetch (function.js:1:1)'
  expect(new LogFrames().apply(line, { path: join(folder, name), root: '' })).toBe(line)
})
