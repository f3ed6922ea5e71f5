import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ScriptOptions } from '../../src/build/contract.ts'
import { BuildError } from '../../src/build/error.ts'
import { buildScript } from '../../src/build/script.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-test-bundle-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let projects = 0
async function project(files: Record<string, string>): Promise<string> {
  const root = join(folder, `project${projects++}`)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

async function failure(files: Record<string, string>, options: Partial<ScriptOptions> = {}): Promise<BuildError> {
  const root = await project(files)
  const error: unknown = await buildScript({ entry: join(root, 'index.ts'), ...options }).then(
    () => new Error('the build succeeded'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof BuildError)) throw error
  return error
}

/** Runs the script here, as an engine would. */
async function run(code: string): Promise<{ readonly default?: unknown; readonly handler?: unknown }> {
  let module = {}
  // oxlint-disable-next-line no-eval -- what the runtime does with it
  const topLevel = (0, eval)(code) as (handOver: (exports: object) => void) => unknown
  await topLevel((exports) => (module = exports))
  return module
}

describe.each(['starlingmonkey', 'quickjs'] as const)('a script for %s', (engine) => {
  test('is one expression that hands over what the module exports', async () => {
    const root = await project({
      'index.ts': "import { a } from './a.ts'\nexport default { value: a }\nexport const handler = (n: number): number => n + a",
      'a.ts': 'export const a = 1',
    })
    const { code, bytes, hash } = await buildScript({ entry: join(root, 'index.ts'), engine })
    const module = await run(code)
    expect(module.default).toEqual({ value: 1 })
    expect((module.handler as (n: number) => number)(2)).toBe(3)
    expect(bytes).toBe(Buffer.byteLength(code))
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('is the same wherever its files lie', async () => {
    const files = { 'index.ts': "import './a.ts'\nexport const handler = () => 1", 'a.ts': 'globalThis.a = 1' }
    const [one, two] = await Promise.all(
      [project(files), project(files)].map(async (root) => buildScript({ entry: join(await root, 'index.ts'), engine })),
    )
    expect(one?.hash).toBe(two?.hash)
  })

  test('has a map that leads from its positions to the author’s files, with their content', async () => {
    const text = 'export const a = 1\n\nexport function start(): never {\n  throw new Error("here")\n}\n'
    const root = await project({ 'index.ts': "import { start } from './a.ts'\nexport const handler = start", 'a.ts': text })
    const { code, map } = await buildScript({ entry: join(root, 'index.ts'), engine })
    const lines = code.split('\n')
    const line = lines.findIndex((one) => one.includes('throw new'))
    const entry = new SourceMap(map).findEntry(line, lines[line]?.indexOf('throw') ?? 0)
    expect(entry).toMatchObject({ originalSource: join(root, 'a.ts'), originalLine: 3, originalColumn: 2 })
    expect(map.sourcesContent[map.sources.indexOf(join(root, 'a.ts'))]).toBe(text)
  })

  test('names all files that it was made of, also outside of its folder', async () => {
    const root = await project({
      'fn/index.ts': "import '../shared.ts'\nimport { name } from 'package'\nexport const handler = () => name",
      'shared.ts': 'globalThis.shared = 1',
      'node_modules/package/package.json': '{ "name": "package", "main": "main.js" }',
      'node_modules/package/main.js': 'exports.name = "common"',
    })
    const { inputs } = await buildScript({ entry: join(root, 'fn/index.ts'), engine })
    const wanted = ['fn/index.ts', 'shared.ts', 'node_modules/package/main.js'].map((name) => join(root, name))
    expect(inputs).toEqual(expect.arrayContaining(wanted))
    expect(inputs.every((file) => !file.includes('\0'))).toBe(true)
  })

  test('may import in circles', async () => {
    const root = await project({
      'index.ts': "import { b } from './b.ts'\nexport const a = () => 1\nexport const handler = () => b()",
      'b.ts': "import { a } from './index.ts'\nexport const b = () => a() + 1",
    })
    const module = await run((await buildScript({ entry: join(root, 'index.ts'), engine })).code)
    expect((module.handler as () => number)()).toBe(2)
  })

  test('of a syntax error names its place, and the files that may mend it', async () => {
    const error = await failure({ 'index.ts': "import './a.ts'\nexport const handler = 1", 'a.ts': '\nconst = 1' }, { engine })
    expect(error.code).toBe('BuildFailed')
    expect(error.position).toMatchObject({ line: 2, column: 7 })
    expect(error.inputs.map((file) => file.slice(folder.length).replace(/^\/project\d+\//, ''))).toEqual(['index.ts', 'a.ts'])
  })

  test('of a module without a handler is refused', async () => {
    expect((await failure({ 'index.ts': 'export const other = 1' }, { engine })).message).toContain('exports neither')
  })

  test.each(['5', 'null'])('of which nothing but the value %s is left is made, for the runtime to refuse', async (value) => {
    const root = await project({ 'index.ts': `export default ${value}` })
    const { code } = await buildScript({ entry: join(root, 'index.ts'), engine })
    expect(JSON.stringify((await run(code)).default)).toBe(value)
  })

  test('that imports a WASI interface is refused', async () => {
    const source = "import { now } from 'wasi:clocks/wall-clock@0.2.0'\nexport const handler = now"
    expect((await failure({ 'index.ts': source }, { engine })).message).toContain("'wasi:clocks/wall-clock@0.2.0'")
  })

  test('larger than the limit is refused, naming size, limit and the largest file', async () => {
    const error = await failure(
      {
        'index.ts': "import { text } from './text.ts'\nexport const handler = () => text",
        'text.ts': `export const text = '${'x'.repeat(5_000)}'`,
      },
      { engine, maxBytes: 4_000 },
    )
    expect(error.message).toMatch(/the bundle has \d+ bytes, the limit is 4000; the largest file in it is this one/)
    expect(error.position?.file).toMatch(/text\.ts$/)
  })
})

test('a script of a file that is not there is refused', async () => {
  await expect(buildScript({ entry: join(folder, 'none.ts') })).rejects.toThrow('is not a file')
})

test('top-level await in a script for quickjs is refused with its place', async () => {
  const error = await failure({ 'index.ts': 'export const handler = 1\nawait 1' }, { engine: 'quickjs' })
  expect(error.message).toContain('Top-level await')
  expect(error.position).toMatchObject({ line: 2, column: 1 })
})
