import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../cli/ampoule.ts'
import { answering, configuration, DevSession } from './session.ts'

const ONE = { one: { source: 'app/one.ts' } }
let session: DevSession
const stop = () => session.stop()

describe('ampoule dev', () => {
  beforeAll(async () => {
    session = await DevSession.start({
      'ampoule.jsonc': configuration(ONE),
      'app/one.ts': `import { word } from '../shared/word.ts'\nexport default { fetch: () => new Response(word) }\n`,
      'shared/word.ts': `export const word: string = 'first'\n`,
    })
  })
  afterAll(stop)

  test('serves what is saved, also in a file outside of the folder of the function', async () => {
    expect((await session.get('/one/')).text).toBe('first')
    await session.serve('shared/word.ts', `export const word: string = 'second'\n`)
    expect((await session.get('/one/')).text).toBe('second')
  })

  test('sees files that an editor replaces', async () => {
    await session.save('shared/word.ts', `export const word: string = 'third'\n`, 'renamed')
    await session.said(/one +updated in/)
    expect((await session.get('/one/')).text).toBe('third')
  })

  test('answers every request while functions are swapped', async () => {
    const done = new AbortController()
    const ask = async () => {
      const statuses = new Set<number>()
      while (!done.signal.aborted) statuses.add((await session.get('/one/')).status)
      return statuses
    }
    const asked = [ask(), ask(), ask()]
    for (const word of ['a', 'b', 'c', 'd']) await session.serve('shared/word.ts', `export const word: string = '${word}'\n`)
    done.abort()
    for (const statuses of await Promise.all(asked)) expect([...statuses]).toEqual([200])
    expect((await session.get('/one/')).text).toBe('d')
  })

  test('does nothing for a file that is saved as it was', async () => {
    const before = session.output.split('updated in').length
    await session.save('shared/word.ts', await readFile(join(session.folder, 'shared/word.ts'), 'utf8'))
    // Comes after it, so that it would have been seen.
    await session.serve(
      'app/one.ts',
      `import { word } from '../shared/word.ts'\nexport default { fetch: () => new Response(word + '!') }\n`,
    )
    expect(session.output.split('updated in').length).toBe(before + 1)
  })

  test('follows the configuration: new functions, other settings, routes, functions that go', async () => {
    const two = { source: 'app/two.ts', routes: ['/special/*'] }
    await session.save('app/two.ts', answering('two'))
    await session.save('ampoule.jsonc', configuration({ ...ONE, two }))
    await session.said(/two +ready in/)
    expect((await session.get('/two/')).text).toBe('two')
    expect((await session.get('/special/x')).text).toBe('two')
    await session.save('ampoule.jsonc', configuration({ ...ONE, two: { ...two, routes: ['/other'] } }))
    await session.said(/two +updated in/)
    expect((await session.get('/special/x')).status).toBe(404)
    expect((await session.get('/other')).text).toBe('two')
    await session.save('ampoule.jsonc', configuration(ONE))
    await session.said(/two +removed/)
    expect((await session.get('/two/')).status).toBe(404)
    expect((await session.get('/one/')).status).toBe(200)
  })

  test('goes on with what it has when the configuration has a mistake, and says where', async () => {
    await session.save('ampoule.jsonc', `{ "functions": { "one": { "sauce": "app/one.ts" } } }`)
    await session.said(/configuration not taken[\s\S]*ampoule\.jsonc:1:\d+[\s\S]*Did you mean "source"\?/)
    expect((await session.get('/one/')).status).toBe(200)
    await session.save('ampoule.jsonc', configuration({ one: { source: 'app/one.ts', timeoutMs: 2000 } }))
    await session.said(/one +updated in/)
  })

  test('shows what functions log and how each invocation ended', async () => {
    await session.serve('app/one.ts', `export default { fetch() { console.log('seen', 7); return new Response('') } }\n`)
    await session.get('/one/some?where')
    const [shown] = await session.said(/one +\| seen 7\n.*one +✓ GET \/one\/some\?where 200 .*/)
    expect(shown).toMatch(/ ms · [\d.]+ MiB$/)
  })

  test('shows an exception with the place in the file of the author, in the terminal, as JSON and as a page', async () => {
    await session.save(
      'shared/word.ts',
      `interface Unused {\n  a: string\n}\nexport function fail(url: string): never {\n  throw new RangeError('<b>bold</b> \\u001b[2J ' + url.length)\n}\n`,
    )
    await session.serve(
      'app/one.ts',
      `import { fail } from '../shared/word.ts'\n\nexport default { fetch: (request: Request) => fail(request.url) }\n`,
    )
    const json = await session.get('/one/')
    expect(json.status).toBe(502)
    const { error, requestId } = JSON.parse(json.text) as { error: { name: string; stack: string }; requestId: string }
    expect(error.name).toBe('RangeError')
    expect(error.stack).toMatch(/^at fail \(shared\/word\.ts:5:\d+\)\nat fetch \(app\/one\.ts:3:\d+\)$/)
    await session.said(new RegExp(`one +✗ GET /one/ +FunctionError .*${requestId}`))
    await session.said(
      /RangeError: <b>bold<\/b> \\u001b\[2J[\s\S]*> 5 \| {3}throw new RangeError[\s\S]*at fail \(shared\/word\.ts:5/,
    )
    const page = await session.get('/one/', { headers: { accept: 'text/html' } })
    expect(page).toMatchObject({ status: 502, type: 'text/html; charset=utf-8' })
    expect(page.text).toContain('&#60;b&#62;bold')
    expect(page.text).not.toContain('<b>')
    expect(page.text).toContain('shared/word.ts:5:')
    expect(page.text).toContain('throw new RangeError')
  })

  test('gives functions messages, records and ticks by hand', async () => {
    await session.serve(
      'app/one.ts',
      `export default {
  queue(batch) { for (const message of batch.messages) { console.log('got', message.body); if (message.body === 'again') message.retry() } },
  stream(batch) { for (const record of batch.records) console.log('record', record.partitionKey, record.text()) },
  scheduled(event) { console.log('tick', event.cron, event.scheduledTime) },
}\n`,
    )
    const port = new URL(session.url).port
    const queue = await run(['dev', 'queue', 'send', 'one', 'x', 'again', '--port', port])
    expect(queue).toMatchObject({ code: 0, stdout: '1 of 2 done, 1 to come again\n' })
    await session.said(/\| got x\n.*\| got again\n.*✓ queue one \(2 messages\)/)
    expect(await run(['dev', 'stream', 'put', 'one', 'r', '--key', 'k', '--port', port])).toMatchObject({ code: 0 })
    await session.said(/\| record k r/)
    const time = ['--time', '2026-01-31T06:00:00Z']
    expect(await run(['dev', 'cron', 'run', 'one', '--cron', '0 6 * * *', ...time, '--port', port])).toMatchObject({ code: 0 })
    await session.said(new RegExp(String.raw`\| tick 0 6 \* \* \* ${Date.parse('2026-01-31T06:00:00Z')}`))
    const unknown = await run(['dev', 'cron', 'run', 'onee', '--port', port])
    expect(unknown.code).toBe(4)
    expect(unknown.stderr).toContain('did you mean "one"')
  })

  test('lets the last request be sent again, with its body', async () => {
    await session.serve(
      'app/one.ts',
      `export default { async fetch(request) { console.log(request.method, await request.text()); return new Response('') } }\n`,
    )
    await session.get('/one/', { method: 'POST', body: 'the body' })
    await session.said(/\| POST the body/)
    const again = await session.get('/_ampoule/dev/again', { method: 'POST', headers: { 'x-ampoule-dev': '1' } })
    expect(JSON.parse(again.text)).toEqual({ about: 'POST /one/', status: 200 })
    await session.said(/\| POST the body/)
  })

  test('gives its tools to this machine only', async () => {
    const tool = '/_ampoule/dev/again'
    expect((await session.get(tool, { method: 'POST' })).status).toBe(403)
    const headers = { 'x-ampoule-dev': '1', origin: 'https://example.com' }
    expect((await session.get(tool, { method: 'POST', headers })).status).toBe(403)
  })

  test('says so when its port is taken, before anything is built', async () => {
    const config = join(session.folder, 'ampoule.jsonc')
    const { code, stderr } = await run(['dev', '--config', config, '--port', new URL(session.url).port])
    expect(code).toBe(9)
    expect(stderr).toMatch(/port \d+ on 127\.0\.0\.1 is in use/)
  })

  test('serves a function again whose file was gone', async () => {
    await rm(join(session.folder, 'app/one.ts'))
    await session.said(/one +not built/)
    await session.serve('app/one.ts', answering('back'))
    expect((await session.get('/one/')).text).toBe('back')
  })

  test('ends with 0 when it is interrupted', async () => {
    const short = await DevSession.start({ 'ampoule.jsonc': configuration({}) })
    expect(await short.stop()).toBe(0)
  })
})
