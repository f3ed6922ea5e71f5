/* oxlint-disable typescript/no-unsafe-type-assertion -- what guests answer is compared, so a wrong type fails the test */
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Results } from './guest.ts'
import { TestFunction } from './function.ts'
import { normalized, readTables, replaceTables, supportTables } from './table.ts'

const DOCUMENT = new URL('../../docs/runtime.md', import.meta.url)

/** Set it to have docs/runtime.md written instead of compared. */
const WRITE = process.env['AMPOULE_WRITE_RUNTIME_TABLE'] !== undefined

const engines = ['quickjs', 'starlingmonkey'] as const

const open: Partial<Record<(typeof engines)[number], TestFunction>> = {}
beforeAll(async () => {
  // One after the other: a build takes most of a gigabyte.
  for (const engine of engines) open[engine] = await TestFunction.open(engine)
}, 300_000)
afterAll(async () => {
  for (const fn of Object.values(open)) await fn[Symbol.asyncDispose]()
})

const guest = (engine: (typeof engines)[number]): TestFunction => {
  const fn = open[engine]
  if (fn === undefined) throw new Error(`${engine} could not be deployed`)
  return fn
}

describe('the support table of docs/runtime.md', () => {
  test('says what ran in both engines', { timeout: 120_000 }, async () => {
    const results = {
      quickjs: (await guest('quickjs').invoke(null)) as Results,
      starlingmonkey: (await guest('starlingmonkey').invoke(null)) as Results,
    }
    const tables = supportTables(results)
    const document = await readFile(DOCUMENT, 'utf8')
    if (WRITE) await writeFile(DOCUMENT, replaceTables(document, tables))
    const explained = `AMPOULE_WRITE_RUNTIME_TABLE=1 writes it; what failed: ${JSON.stringify(failed(results), null, 2)}`
    expect(normalized(readTables(await readFile(DOCUMENT, 'utf8'))), explained).toBe(normalized(tables))
  })
})

const failed = (results: Readonly<Record<string, Results>>): unknown =>
  Object.entries(results).flatMap(([engine, groups]) =>
    Object.values(groups).flatMap((outcomes) =>
      Object.entries(outcomes)
        .filter(([, outcome]) => outcome !== 'ok')
        .map(([name, outcome]) => `${engine}: ${name}: ${outcome}`),
    ),
  )

describe.each(engines)('%s', (engine) => {
  test('runs a Hono app', { timeout: 60_000 }, async () => {
    const fn = guest(engine)
    const hello = await fn.fetch('/hello/w%C3%B6rld?q=a+b', { headers: [['user-agent', 'x']] })
    expect(JSON.parse(hello.text)).toEqual({ name: 'wörld', q: 'a b', agent: 'x' })
    expect(hello).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    const echo = await fn.fetch('/echo?a', { method: 'POST', body: 'bödy' })
    expect(echo).toMatchObject({ status: 201, text: 'bödy', headers: { 'x-url': 'http://localhost/echo?a' } })
    expect(await fn.fetch('/none')).toMatchObject({ status: 404 })
    expect(await fn.fetch('/stream')).toMatchObject({ status: 200, text: 'ab' })
    expect(await fn.fetch('/throw')).toMatchObject({ status: 500, text: 'no luck' })
  })

  test('reads forms in a Hono app', async () => {
    const body = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nü\r\n--b--\r\n'
    const headers = [['content-type', 'multipart/form-data; boundary=b']] as const
    expect(JSON.parse((await guest(engine).fetch('/form', { method: 'POST', headers, body })).text)).toEqual({ a: 'ü' })
    const urlencoded = [['content-type', 'application/x-www-form-urlencoded']] as const
    const form = await guest(engine).fetch('/form', { method: 'POST', headers: urlencoded, body: 'a=%C3%BC+x' })
    expect(JSON.parse(form.text)).toEqual({ a: 'ü x' })
  })

  test('draws other random values in every invocation, from every source', async () => {
    const draws: Record<string, unknown>[] = []
    for (let i = 0; i < 3; i++) draws.push((await guest(engine).invoke('draw')) as Record<string, unknown>)
    for (const name of Object.keys(draws[0] ?? {})) {
      expect(new Set(draws.map((draw) => JSON.stringify(draw[name]))).size, name).toBe(3)
    }
  })

  test('reads the clock live, not from the snapshot', async () => {
    const before = Date.now()
    const first = (await guest(engine).invoke('date')) as number
    const second = (await guest(engine).invoke('date')) as number
    expect([first >= before - 1, second >= first, second <= Date.now() + 1]).toEqual([true, true, true])
  })

  test('writes the console’s levels to stdout and stderr, a line for each value', async () => {
    const fn = guest(engine)
    await fn.invoke('write')
    const [error = ''] = fn.lines.filter((line) => line.includes('broken'))
    expect(error).toBe('stderr: RangeError: broken')
    expect(fn.lines).toContain("stderr: [cause]: 'why'")
    expect(fn.lines.filter((line) => !/:\d+:\d+\)?$|^stderr: +at |RangeError|cause|^stderr: $/.test(line))).toEqual([
      'stdout: log text 1 { a: [ 1n ] }',
      'stdout: info',
      'stdout: debug',
      'stderr: warn',
      'stderr: Assertion failed: assertion',
    ])
  })
})
