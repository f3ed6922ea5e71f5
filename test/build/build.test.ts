/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BuildError, buildFunction } from '../../src/build/build.ts'
import type { BuildOptions, BuildProgress, BuildResult } from '../../src/build/contract.ts'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'
import { encodeHttpEvent } from '../../src/triggers/http-event.ts'
import { instantiate } from './run-component.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-test-build-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let projects = 0
async function project(files: Record<string, string>): Promise<string> {
  const root = join(folder, `project${projects++}`)
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
  return root
}

async function build(
  files: Record<string, string>,
  options: Partial<BuildOptions> = {},
): Promise<BuildResult & { readonly root: string }> {
  const root = await project(files)
  const result = await buildFunction({
    entry: join(root, 'index.ts'),
    engine: 'quickjs',
    cacheDir: join(folder, 'cache'),
    ...options,
  })
  return { ...result, root }
}

async function failure(files: Record<string, string>, options: Partial<BuildOptions> = {}): Promise<BuildError> {
  const error: unknown = await build(files, options).then(
    () => new Error('the build succeeded'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof BuildError)) throw error
  expect(error.code).toBe('BuildFailed')
  return error
}

const encode = (event: object): Uint8Array => encodeEnvelope(event, null)
const decode = (bytes: Uint8Array): object => decodeEnvelope(bytes).head

const invoke = { type: 'invoke', id: 'r', fn: 'f', deadline: 0 }

describe('a QuickJS build', () => {
  test('bundles TypeScript and packages, and runs async functions, timers and console', { timeout: 180_000 }, async () => {
    const { component } = await build({
      'index.ts': `
        import { double } from './double.ts'
        import { name } from 'package'
        enum Kind { A = 1 }
        async function* numbers(): AsyncGenerator<number> { yield 1; await null; yield 2 }
        export const handler = async (event: { n: number }) => {
          const list: number[] = []
          for await (const n of numbers()) list.push(n)
          await new Promise((resolve) => setTimeout(resolve, 1))
          return { n: double(event.n), name, kind: Kind.A, list, all: await Promise.all([1, (async () => 2)()]) }
        }`,
      'double.ts': 'export const double = (n: number): number => n * 2',
      'node_modules/package/package.json': '{ "name": "package", "main": "main.js" }',
      'node_modules/package/main.js': 'exports.name = "common"',
    })
    const handle = await instantiate(component, await project({ 'x.txt': '' }))
    const answer = decode(await handle(encode({ ...invoke, payload: { n: 21 } })))
    expect(answer).toEqual({ payload: { n: 42, name: 'common', kind: 1, list: [1, 2], all: [1, 2] } })
  })

  test('passes on exceptions, names promises that never settle, and answers warm events', { timeout: 180_000 }, async () => {
    const { component } = await build({
      'index.ts': `export const handler = async (event) => { if (event === 'throw') throw new RangeError('too far'); return new Promise(() => {}) }`,
    })
    const handle = await instantiate(component, await project({ 'x.txt': '' }))
    const fail = (payload: string): { name: string; message: string; stack: string } => {
      try {
        void handle(encode({ ...invoke, payload }))
      } catch (error) {
        const bytes = error instanceof Uint8Array ? error : (error as { payload: Uint8Array }).payload
        return decode(bytes) as { name: string; message: string; stack: string }
      }
      throw new Error('the guest answered')
    }
    const error = fail('throw')
    expect(error).toMatchObject({ name: 'RangeError', message: 'too far' })
    expect(error.stack).toMatch(/:\d+:\d+/)
    expect(fail('hang').message).toContain('a promise that nothing can settle')
    expect(decode(await handle(encode({ ...invoke, type: 'warm' })))).toMatchObject({ status: 200 })
  })

  test('says in the component which runtime is inside', async () => {
    const { component, bytes } = await build({ 'index.ts': 'export const handler = () => 1' })
    expect(bytes).toBe(component.length)
    const tail = new TextDecoder('latin1').decode(component.subarray(-100))
    expect(tail).toContain('ampoule{"name":"ampoule-javascript"')
    expect(tail).toContain('"warm":true,"events":"json"}')
  })
})

describe('the cache', () => {
  test(
    'gives the same component for the same content, wherever it lies, and a new one for new content',
    { timeout: 180_000 },
    async () => {
      const cacheDir = join(folder, 'own-cache')
      const progress: BuildProgress[] = []
      const source = { 'index.ts': 'import { a } from "./a.ts"\nexport const handler = () => a', 'a.ts': 'export const a = 1' }
      const first = await build(source, { cacheDir })
      const second = await build(source, { cacheDir, onProgress: (step) => progress.push(step) })
      const third = await build({ ...source, 'a.ts': 'export const a = 2' }, { cacheDir })
      expect([first.cached, second.cached, third.cached]).toEqual([false, true, false])
      expect(second.path).toBe(first.path)
      expect(second.component).toEqual(first.component)
      expect(third.path).not.toBe(first.path)
      expect(progress.map(({ stage, cached }) => `${stage} ${cached}`)).toEqual([
        'bundle false',
        'componentize true',
        'done true',
      ])
      expect((await readdir(cacheDir)).filter((name) => name.includes('tmp'))).toEqual([])
    },
  )

  test('keeps a source map that names the author’s files and nothing of the machine', async () => {
    const { sourceMapPath } = await build({ 'index.ts': 'export const handler = () => 1' })
    const map: unknown = JSON.parse(await readFile(sourceMapPath, 'utf8'))
    expect(map).toMatchObject({ version: 3, sources: expect.arrayContaining(['index.ts']) as string[] })
    expect(JSON.stringify((map as { sources: string[] }).sources)).not.toContain(folder)
  })
})

describe('a failed build names file, line and column for', () => {
  test.each([
    ['a syntax error', { 'index.ts': 'export const handler = () => {\n  return 1 +\n}\n' }, 'index.ts', 3, 1, 'Unexpected token'],
    [
      'a missing file',
      { 'index.ts': "export const handler = 1\nimport './none.ts'" },
      'index.ts',
      2,
      8,
      "Could not resolve './none.ts'",
    ],
    [
      'a missing package',
      { 'index.ts': "export const handler = 1\nimport 'none'" },
      'index.ts',
      2,
      8,
      'is the package installed?',
    ],
    [
      'a module of Node.js',
      { 'index.ts': "import 'node:net'\nexport const handler = 1" },
      'index.ts',
      1,
      8,
      'not one of the modules of Node.js',
    ],
    [
      'a missing export of another file',
      { 'index.ts': "import { b } from './a.ts'\nexport const handler = b", 'a.ts': 'export const a = 1' },
      'index.ts',
      1,
      10,
      '"b" is not exported',
    ],
    [
      'a syntax error in another file',
      { 'index.ts': "export * from './a.ts'", 'a.ts': '\n\nconst = 1' },
      'a.ts',
      3,
      7,
      'Unexpected token',
    ],
    ['a module without a handler', { 'index.ts': 'export const other = 1' }, 'index.ts', 1, 1, 'exports neither `default`'],
    ['top-level await on QuickJS', { 'index.ts': 'export const handler = 1\nawait 1' }, 'index.ts', 2, 1, 'Top-level await'],
    [
      'an exception at the top level',
      { 'index.ts': 'const table = {}\n\nfunction start() {\n  return table.a.b\n}\nstart()\nexport const handler = 1' },
      'index.ts',
      4,
      10,
      "cannot read property 'b'",
    ],
  ])('%s', { timeout: 180_000 }, async (_, files, file, line, column, message) => {
    const error = await failure(files)
    expect(error.message).toContain(message)
    expect(error.position).toMatchObject({ line, column })
    expect(error.position?.file.endsWith(`/${file}`)).toBe(true)
    expect(error.message.startsWith(`${error.position?.file}:${line}:${column}: `)).toBe(true)
  })
})

describe('a build', () => {
  test('of a file that does not exist fails', async () => {
    await expect(buildFunction({ entry: join(folder, 'none.ts'), cacheDir: folder })).rejects.toThrow('is not a file')
  })

  test('of kind wasi-http on QuickJS fails', async () => {
    expect((await failure({ 'index.ts': '' }, { kind: 'wasi-http' })).message).toContain("needs engine 'starlingmonkey'")
  })

  test('whose top level never ends is ended', { timeout: 180_000 }, async () => {
    const error = await failure({ 'index.ts': 'for (;;) {}\nexport const handler = 1' }, { timeoutMs: 3000 })
    expect(error.message).toContain('longer than 3000 ms')
  })

  test('ends with its signal', { timeout: 180_000 }, async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const onProgress = ({ stage }: BuildProgress): void => {
      if (stage === 'componentize') controller.abort(reason)
    }
    await expect(
      build({ 'index.ts': 'for (;;) {}\nexport const handler = 1' }, { signal: controller.signal, onProgress }),
    ).rejects.toBe(reason)
  })
})

describe('a StarlingMonkey build', () => {
  test('runs a fetch function, and names its exceptions', { timeout: 120_000 }, async () => {
    const { component } = await build(
      {
        'index.ts': `export default { async fetch(request: Request) {
          if (request.method === 'DELETE') throw new RangeError('too far')
          const headers = new Headers([['x-b', '1'], ['set-cookie', 'a=1'], ['x-b', '2'], ['set-cookie', 'b=2']])
          const seen = ['x-a', 'cookie'].map((name) => request.headers.get(name))
          const query = new URL(request.url).searchParams.get('a')
          return Response.json({ text: await request.text(), query, headers: seen }, { headers })
        } }`,
      },
      { engine: 'starlingmonkey' },
    )
    const handle = await instantiate(component, await project({ 'x.txt': '' }))
    const event = encodeHttpEvent(
      {
        id: 'r',
        functionName: 'f',
        deadlineMs: 0,
        method: 'POST',
        url: 'http://h.example/?a=b',
        headers: [
          ['x-a', '1'],
          ['cookie', 'c=d'],
          ['x-a', '2'],
        ],
        body: new TextEncoder().encode('ü'),
      },
      'json',
    )
    const { head, body } = decodeEnvelope(await handle(event))
    expect(JSON.parse(String(body))).toEqual({ text: 'ü', query: 'b', headers: ['1, 2', 'c=d'] })
    const { headers: flat } = head as { headers: string[] }
    const headers = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : []))
    expect(headers.filter(([name]) => name !== 'content-length')).toEqual([
      ['content-type', 'application/json'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-b', '1, 2'],
    ])
  })

  test('of an exception at the top level names file, line and column', { timeout: 120_000 }, async () => {
    const error = await failure(
      { 'index.ts': 'const table = {}\n\nfunction start() {\n  return table.a.b\n}\nstart()\nexport const handler = 1' },
      { engine: 'starlingmonkey' },
    )
    expect(error.message).toContain('TypeError: ')
    expect(error.position).toMatchObject({ line: 4 })
  })
})
