import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildLanguage, languageOf, LANGUAGES, type Language, type LanguageBuildResult } from '../../src/build/languages/index.ts'
import { GuestFailure } from '../../src/engine/failure.ts'
import type { Runner } from '../../src/engine/runner.ts'
import { createProject, listTemplates } from '../../src/init/project.ts'
import { decodeMessage, encodeMessage } from '../../src/invoke/message.ts'
import { context, TestLane } from '../engine/lane.ts'
import { BATCHES } from './batches.ts'
import { toolchain } from './toolchains.ts'

const SOURCES: Readonly<Record<Language, string>> = {
  c: 'function.c',
  rust: 'src/lib.rs',
  go: 'main.go',
  python: 'app.py',
  assemblyscript: 'function.as.ts',
}

/** Something that the compiler refuses, put in place of the text that it follows. */
const MISTAKES: Readonly<Record<Language, readonly [before: string, after: string]>> = {
  c: ['ampoule_handle(const amp_event', 'ampoule_handle(const no_such_type'],
  rust: ['ampoule::export!(Greeter)', 'ampoule::export!(NoSuchType)'],
  go: ['ampoule.HTTP(greet)', 'ampoule.HTTP(noSuchFunction)'],
  python: ['import os', 'import os, no_such_module'],
  assemblyscript: ['Response.text(200', 'NoSuchClass.text(200'],
}

/** A first build of Go or Rust compiles a library as well; the machine may be busy. */
const BUILD_MS = 240_000

const base = { id: 'r-1', fn: 'demo', deadline: Date.now() + 60_000, invoked: { version: '1' } }
const http = (event: object) =>
  encodeMessage({ ...base, type: 'http', method: 'GET', url: 'http://h/', headers: [], body: null, ...event })
const invoke = (payload: unknown) => encodeMessage({ ...base, type: 'invoke', payload })

const folders: string[] = []
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ampoule-language-'))
  folders.push(path)
  return path
}
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true, force: true }))))

const textOf = (body: unknown): string => (body instanceof Uint8Array ? Buffer.from(body).toString() : String(body))

for (const language of LANGUAGES) {
  const tools = toolchain(language)
  const missing = 'missing' in tools ? ` (${tools.missing})` : ''

  describe.skipIf(missing !== '')(`the template in ${language}${missing}`, () => {
    const lane = new TestLane()
    let project: string
    let source: string
    let built: LanguageBuildResult
    let runner: Runner
    const build = () => {
      if ('missing' in tools) throw new Error(tools.missing)
      return buildLanguage({ source, language, cacheDir: join(project, '.ampoule'), searchPath: tools.searchPath })
    }
    const call = async (event: Uint8Array) => {
      const recorded = context()
      const { payload, report } = await runner.invokeEvent(event, recorded)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compared with what is expected
      return { value: decodeMessage(payload) as { status?: number; body?: unknown }, report, lines: recorded.lines }
    }
    const failure = async (event: Uint8Array): Promise<unknown> => {
      const error: unknown = await runner.invokeEvent(event, context()).catch((error: unknown) => error)
      if (error instanceof GuestFailure) return decodeMessage(error.payload)
      throw error
    }

    beforeAll(async () => {
      project = await folder()
      const template = (await listTemplates()).find(({ name }) => name === language)
      if (template === undefined) throw new Error(`there is no template ${language}`)
      await createProject(template, project, 'demo')
      source = join(project, SOURCES[language])
      built = await build()
      const limits = { memoryMb: 128, timeoutMs: 60_000, fuel: 1_000_000_000n }
      runner = await lane.deploy('demo', built.component, { limits, variables: [['GREETING', 'Hi']] })
    }, BUILD_MS)
    afterAll(() => lane.close())

    it('is built from its source, with all files that went into it', () => {
      expect(languageOf(source)).toBe(language)
      expect(built.cached).toBe(false)
      expect(built.inputs.some((path) => path.endsWith(SOURCES[language]))).toBe(true)
    })

    it('answers requests with parameters, environment and a line of log', async () => {
      const { value, lines } = await call(http({ url: 'http://h/demo/?x=1&name=J%C3%BCrgen+%26%20x#f' }))
      expect([value.status, textOf(value.body)]).toEqual([200, 'Hi, Jürgen & x!\n'])
      expect(lines.join('\n')).toContain('r-1')
      expect(textOf((await call(http({}))).value.body)).toBe('Hi, world!\n')
    })

    it('passes bodies through byte by byte', async () => {
      const body = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7)
      const { value } = await call(http({ method: 'POST', headers: [['content-type', 'a/b']], body }))
      expect(Buffer.compare(Buffer.from(value.body as Uint8Array), body)).toBe(0)
    })

    it('answers invocations with numbers of every kind', async () => {
      const { value } = await call(
        invoke({ other: [{ deep: [null, true, 'ü'] }], numbers: [1, -1, 200, -200, 70_000, 2 ** 40, 0.5] }),
      )
      expect(value).toEqual({ payload: { sum: 1 - 1 + 200 - 200 + 70_000 + 2 ** 40 + 0.5 } })
    })

    it('fails with name and message of the handler’s error, and answers the next one', async () => {
      expect(await failure(invoke({ numbers: 'none' }))).toMatchObject({
        name: expect.any(String),
        message: expect.stringMatching(/./),
      })
      expect(await failure(encodeMessage({ ...base, type: 'queue', queue: 'q', messages: [] }))).toMatchObject({
        name: 'UnsupportedEvent',
      })
      expect((await call(invoke({ numbers: [2] }))).value).toEqual({ payload: { sum: 2 } })
    })

    it('refuses what is no event: cut off at any byte, of counts that lie, nested too deep, followed by more', async () => {
      const event = invoke({ numbers: [1, 2, 3], text: 'x'.repeat(40) })
      const hostile = [
        ...Array.from({ length: event.length }, (_, length) => event.subarray(0, length)),
        Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff),
        Uint8Array.of(0x81, 0xdd, 0xff, 0xff, 0xff, 0xff),
        Uint8Array.of(0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xdb, 0xff, 0xff, 0xff, 0xff),
        Uint8Array.of(0xc1),
        Uint8Array.of(0x81, 0xa1, 0x61, 0xd4, 0, 0),
      ]
      for (const bytes of hostile) expect(await failure(bytes)).toMatchObject({ name: 'InvalidEvent' })
    })

    it('serves one instance again and again from its snapshot', async () => {
      await call(http({}))
      const { report } = await call(http({}))
      expect(report.fresh).toBe(false)
    })

    it('is taken from the cache while nothing changed', async () => {
      const again = await build()
      expect([again.cached, again.path, again.inputs]).toEqual([true, built.path, built.inputs])
    })

    it(
      'handles messages, records and ticks',
      async () => {
        const before = await readFile(source, 'utf8')
        await writeFile(source, BATCHES[language])
        const built = await Promise.allSettled([build()])
        await writeFile(source, before)
        if (built[0].status === 'rejected') throw built[0].reason
        const { component } = built[0].value
        const batches = await lane.deploy('batches', component, {
          limits: { memoryMb: 128, timeoutMs: 60_000, fuel: 1_000_000_000n },
        })
        const answer = async (event: object) => {
          const { payload } = await batches.invokeEvent(encodeMessage({ ...base, ...event }), context())
          return decodeMessage(payload)
        }
        const message = { timestamp: 1.5, attempts: 2, attributes: { a: 'b' }, group: 'g' }
        const messages = [
          { ...message, id: 'm1', body: 'good' },
          { ...message, id: 'm2', body: 'bad' },
        ]
        expect(await answer({ type: 'queue', queue: 'q', messages })).toEqual({ failures: [{ id: 'm2' }] })
        const records = ['good', 'bad'].map((text, i) => ({ id: `r${i}`, key: 'k', timestamp: 1, data: Buffer.from(text) }))
        expect(await answer({ type: 'stream', stream: 's', shard: '0', records })).toEqual({ failures: [{ id: 'r1' }] })
        const tick = { type: 'scheduled', cron: '* * * * *', time: 1500 }
        await answer({ ...tick, schedule: 'fine' })
        const error: unknown = await answer({ ...tick, schedule: 'fail' }).catch((error: unknown) => error)
        if (!(error instanceof GuestFailure)) throw error
        expect(decodeMessage(error.payload)).toMatchObject({ name: 'Told', message: 'to fail' })
      },
      BUILD_MS,
    )

    it(
      'names file and line of what its compiler refuses, and builds again once it is mended',
      async () => {
        const text = await readFile(source, 'utf8')
        const [before, after] = MISTAKES[language]
        const broken = text.replace(before, after)
        expect(broken).not.toBe(text)
        await writeFile(source, broken)
        const error: unknown = await build().catch((error: unknown) => error)
        const line = broken.slice(0, broken.indexOf(after)).split('\n').length
        expect(error).toMatchObject({ code: 'BuildFailed', position: { file: expect.stringContaining(SOURCES[language]), line } })
        await writeFile(source, text)
        await utimes(source, new Date(0), new Date(0))
        expect(await build()).toMatchObject({ cached: true, path: built.path })
      },
      BUILD_MS,
    )

    it('ends its compiler when the build is aborted', async () => {
      const reason = new Error('enough')
      const aborted = AbortSignal.abort(reason)
      await expect(buildLanguage({ source, language, cacheDir: await folder(), signal: aborted })).rejects.toBe(reason)
    })
  })
}

describe('without a toolchain', () => {
  it.each([
    ['c', 'f.c', /clang is not on PATH.*apt install clang lld/],
    ['rust', 'f.rs', /rustc is not on PATH.*rustup/],
    ['go', 'f.go', /go is not on PATH.*go\.dev/],
    ['python', 'f.py', /componentize-py is not on PATH.*pip install componentize-py/],
  ] as const)('a build of %s says what is missing and how to get it', async (language, name, message) => {
    const path = await folder()
    await writeFile(join(path, name), '')
    const built = buildLanguage({ source: join(path, name), language, cacheDir: path, searchPath: '' })
    await expect(built).rejects.toMatchObject({ code: 'BuildFailed', message: expect.stringMatching(message) })
  })

  it('a source that is not there is refused by its name', async () => {
    const path = await folder()
    const built = buildLanguage({ source: join(path, 'none.c'), language: 'c', cacheDir: path })
    await expect(built).rejects.toMatchObject({ code: 'BuildFailed', message: expect.stringContaining('none.c is not a file') })
  })
})

describe('languageOf', () => {
  it('goes by the ending, and by the setting before that', () => {
    const endings = ['a.c', 'b/lib.rs', 'Cargo.toml', 'm.go', 'app.py', 'x.as.ts', 'x.ts', 'x.mjs'].map((name) =>
      languageOf(name),
    )
    expect(endings).toEqual(['c', 'rust', 'rust', 'go', 'python', 'assemblyscript', undefined, undefined])
    expect(languageOf('x.ts', 'assemblyscript')).toBe('assemblyscript')
  })
})
