import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { buildLanguage, languageOf } from '../../src/build/languages/index.ts'
import { readConfiguration } from '../../src/functions/configuration.ts'
import { decodeMessage, encodeMessage } from '../../src/invoke/message.ts'
import { context, TestLane } from '../engine/lane.ts'
import { toolchain } from './toolchains.ts'

const CONFIGURATION = fileURLToPath(new URL('../../examples/toolchains.jsonc', import.meta.url))
const { functions } = readConfiguration(await readFile(CONFIGURATION, 'utf8'), { file: 'toolchains.jsonc' })

/** A request to each, and what it answers. */
const CALLS: Readonly<Record<string, readonly [request: object, answer: unknown]>> = {
  go: [
    { method: 'POST', url: 'http://h/go/', body: Buffer.from('To be, or not to be') },
    { to: 2, be: 2, or: 1, not: 1 },
  ],
  python: [
    { method: 'GET', url: 'http://h/python/?numbers=1,2,3,10', body: null },
    { mean: 4, median: 2.5 },
  ],
}

describe.each(functions)('the example $name', ({ name, source = '', memoryMb }) => {
  const path = join(dirname(CONFIGURATION), source)
  const language = languageOf(path)
  const tools = language === undefined ? { missing: 'no language has that ending' } : toolchain(language)
  const missing = 'missing' in tools ? ` (${tools.missing})` : ''

  it.skipIf(missing !== '')(`is built, starts from its snapshot and answers${missing}`, { timeout: 240_000 }, async () => {
    if ('missing' in tools || language === undefined) throw new Error(missing)
    const cacheDir = await mkdtemp(join(tmpdir(), 'ampoule-example-'))
    const lane = new TestLane()
    try {
      const { component } = await buildLanguage({ source: path, language, cacheDir, searchPath: tools.searchPath })
      const runner = await lane.deploy(name, component, { limits: { memoryMb, timeoutMs: 60_000, fuel: 10_000_000_000n } })
      const [request, wanted] = CALLS[name] ?? [{}, undefined]
      const base = { type: 'http', id: 'r-1', fn: name, deadline: Date.now() + 60_000, headers: [] }
      const fresh: unknown[] = []
      for (let call = 0; call < 2; call++) {
        const { payload, report } = await runner.invokeEvent(encodeMessage({ ...base, ...request }), context())
        const { status, body } = decodeMessage(payload) as { readonly status: number; readonly body: unknown }
        const text = body instanceof Uint8Array ? Buffer.from(body).toString() : String(body)
        expect([status, JSON.parse(text)]).toEqual([200, wanted])
        fresh.push(report.fresh)
      }
      expect(fresh[1]).toBe(false)
    } finally {
      await lane.close()
      await rm(cacheDir, { recursive: true, force: true })
    }
  })
})
