import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AmpouleError, load, type TestedFunction, type TestLimits } from '../../src/testing/index.ts'
import { guest } from '../guests/index.ts'

const SOURCE = `
import { fail } from './fail.ts'
let calls = 0
export default {
  async fetch(request: Request, env: Record<string, string>): Promise<Response> {
    const { pathname, search, host } = new URL(request.url)
    console.log('at', pathname)
    if (pathname === '/fail') fail()
    if (pathname === '/loop') for (;;) calls++
    if (pathname === '/memory') { const kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1)) }
    if (pathname === '/empty') return new Response(null, { status: 204 })
    if (pathname === '/cookies') {
      const headers = new Headers()
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new Response('two', { headers })
    }
    const body = request.method === 'POST' ? await request.text() : ''
    return Response.json({ path: pathname + search, host, method: request.method, body, who: env.WHO ?? null, calls: ++calls })
  },
  queue(batch: { messages: { id: string; body: unknown; retry(): void }[] }): void {
    for (const message of batch.messages) {
      console.log(message.id, message.body instanceof Uint8Array ? [...message.body].join() : message.body)
      if (message.body === 'again') message.retry()
    }
  },
  stream(batch: { records: { sequenceNumber: string; text(): string }[] }): void {
    for (const record of batch.records) console.log(record.sequenceNumber, record.text())
  },
  scheduled(event: { cron: string; scheduledTime: number }): void {
    console.log(event.cron, new Date(event.scheduledTime).toISOString())
  },
}
`

let folder: string
const before = process.cwd()
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'ampoule-testing-')))
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src/index.ts'), SOURCE)
  await writeFile(join(folder, 'src/fail.ts'), "\nexport function fail(): never {\n  throw new TypeError('as asked')\n}\n")
  await writeFile(
    join(folder, 'src/lambda.ts'),
    'export const handler = async (event: { n: number }) => ({ twice: event.n * 2 })\n',
  )
  await writeFile(join(folder, 'src/broken.ts'), '\nexport default {\n  fetch() { return 1 +\n}\n')
  await writeFile(join(folder, 'src/throws.ts'), "\nthrow new Error('at the top')\nexport default { fetch() {} }\n")
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true, force: true })
})

async function failure(promise: Promise<unknown>): Promise<AmpouleError> {
  const error: unknown = await promise.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof AmpouleError)) throw error
  return error
}

describe('a function in a test', () => {
  let fn: TestedFunction
  beforeAll(async () => (fn = await load('./src/index.ts', { environment: { WHO: 'Ada' }, name: 'greet' })))
  afterAll(() => fn.close())

  test('answers a request with what a server would send', async () => {
    const response = await fn.fetch('/x?y=1', { method: 'POST', body: 'text' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toEqual({
      path: '/x?y=1',
      host: 'localhost',
      method: 'POST',
      body: 'text',
      who: 'Ada',
      calls: 1,
    })
  })

  test('takes URLs and requests too', async () => {
    expect(await (await fn.fetch(new URL('https://shop.example/a'))).json()).toMatchObject({ path: '/a', host: 'shop.example' })
    const request = new Request('http://shop.example:81/b', { method: 'DELETE' })
    expect(await (await fn.fetch(request)).json()).toMatchObject({ path: '/b', host: 'shop.example:81', method: 'DELETE' })
  })

  test('answers without a body, and with several cookies', async () => {
    const empty = await fn.fetch('/empty')
    expect([empty.status, await empty.text()]).toEqual([204, ''])
    expect((await fn.fetch('/cookies')).headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  test('starts every call from the same state', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, async () => (await fn.fetch('/')).json()))
    expect(answers.map((answer) => (answer as { calls: number }).calls)).toEqual([1, 1, 1, 1, 1])
  })

  test('tells what it sent to queues', async () => {
    const source =
      "export default { fetch: (_request: Request, _env: object, ctx: any) => (ctx.send('orders', { amount: 20 }, { delaySeconds: 5 }), new Response()) }"
    await writeFile(join(folder, 'src/send.ts'), source)
    await using sender = await load('./src/send.ts', { sends: 'orders' })
    await sender.fetch('/')
    expect(sender.sent).toEqual([{ queue: 'orders', message: { body: '{"amount":20}', delaySeconds: 5 } }])
  })

  test('tells what it logged, by request', async () => {
    fn.clearLogs()
    const response = await fn.fetch('/log')
    expect(fn.logs).toEqual([{ stream: 'stdout', message: 'at /log', requestId: response.headers.get('x-ampoule-request-id') }])
  })

  test('rejects with its exception, in the author’s files', async () => {
    const error = await failure(fn.fetch('/fail'))
    expect(error).toMatchObject({ code: 'FunctionError', details: { name: 'TypeError', message: 'as asked' } })
    expect(error).toMatchObject({ details: { stack: expect.stringMatching(/^at fail \(src\/fail\.ts:3:\d+\)\n/) as unknown } })
    // Where a test runner looks for the code to show.
    expect(error.stack).toContain(`${join(folder, 'src/fail.ts')}:3:`)
  })

  test('takes messages of a queue and tells which come again', async () => {
    fn.clearLogs()
    const { failures } = await fn.queue(['one', { id: 'two', body: 'again' }, { id: 'bytes', body: new Uint8Array([255, 0]) }])
    expect(failures).toEqual([{ id: 'two' }])
    expect(fn.logs.map(({ message }) => message)).toEqual([expect.stringMatching(/ one$/) as unknown, 'two again', 'bytes 255,0'])
  })

  test('takes records of a stream and ticks of a schedule', async () => {
    fn.clearLogs()
    expect(await fn.stream(['a', { id: '7', data: { b: 1 } }])).toEqual({ failedFrom: undefined })
    await fn.scheduled({ cron: '0 6 * * *', time: '2026-01-31T06:00:00Z' })
    expect(fn.logs.map(({ message }) => message)).toEqual(['1 a', '7 {"b":1}', '0 6 * * * 2026-01-31T06:00:00.000Z'])
  })

  test('refuses a batch that is none, saying where', async () => {
    expect((await failure(fn.queue([{ body: 1, attempts: 0 }]))).message).toContain('messages[0].attempts is 0')
  })

  test('ends with the request that is aborted', async () => {
    const error = await failure(fn.fetch('/loop', { signal: AbortSignal.abort() }))
    expect(error.code).toBe('Cancelled')
  })
})

describe('limits', () => {
  test.each<[string, string, TestLimits]>([
    ['DeadlineExceeded', '/loop', { timeoutMs: 200 }],
    ['FuelExhausted', '/loop', { fuel: 200_000_000 }],
  ])('are real: %s', async (code, path, limits) => {
    await using fn = await load('./src/index.ts', { limits })
    expect((await failure(fn.fetch(path))).code).toBe(code)
    expect((await fn.fetch('/empty')).status).toBe(204)
  })

  test('of memory are real', async () => {
    await using fn = await load('./src/index.ts', { limits: { memoryMb: 64, timeoutMs: 20_000 } })
    const error = await failure(fn.fetch('/memory'))
    expect(['MemoryExceeded', 'FunctionError', 'FunctionTrapped']).toContain(error.code)
    expect(error.message).toContain('memory')
  })

  test('of the request are real', async () => {
    await using fn = await load('./src/index.ts', { limits: { maxRequestBytes: 4 } })
    expect((await failure(fn.fetch('/', { method: 'POST', body: '12345' }))).code).toBe('PayloadTooLarge')
  })

  test('outside of their bounds are refused, each by name', async () => {
    const error = await failure(load('./src/index.ts', { limits: { memoryMb: 1, timeoutMs: 0 } }))
    expect(error.code).toBe('InvalidConfiguration')
    expect(error.message).toContain('memoryMb is 1')
    expect(error.message).toContain('timeoutMs is 0')
  })
})

describe.each(['starlingmonkey', 'quickjs'] as const)('on %s', (engine) => {
  test('a Lambda handler is invoked with a payload', async () => {
    await using fn = await load(pathToFileURL(join(folder, 'src/lambda.ts')), { engine })
    expect(await fn.invoke({ n: 4 })).toEqual({ twice: 8 })
  })

  test('outbound requests are denied without a stub, and answered by the one that was given', async () => {
    const source = `
      const atTheTop = fetch
      export const handler = async (url: string) => {
        const response = await atTheTop(url, { method: 'POST', body: 'sent' })
        return [response.status, await response.text()]
      }`
    const stubs = `
      let calls = 0
      export async function fetch(request: Request): Promise<Response> {
        const { pathname } = new URL(request.url)
        console.log(request.method, pathname)
        return pathname === '/wrong' ? ('text' as never) : new Response(await request.text() + ' ' + ++calls, { status: 201 })
      }`
    await writeFile(join(folder, 'src/outbound.ts'), source)
    await writeFile(join(folder, 'stubs.ts'), stubs)
    await using denied = await load('./src/outbound.ts', { engine })
    expect((await failure(denied.invoke('https://api.test/a'))).message).toContain('outbound HTTP is not granted')
    await using fn = await load('./src/outbound.ts', { engine, stubs: './stubs.ts' })
    expect(await fn.invoke('https://api.test/a')).toEqual([201, 'sent 1'])
    // The stub is in the sandbox as well, and keeps nothing.
    expect(await fn.invoke('https://api.test/b')).toEqual([201, 'sent 1'])
    expect(fn.logs.map(({ message }) => message)).toEqual(['POST /a', 'POST /b'])
    expect((await failure(fn.invoke('https://api.test/wrong'))).message).toContain('the stub of fetch must return a Response')
  })
})

describe.each(['echo', 'fetch-event'] as const)('the component %s', (name) => {
  test('is loaded as it is', async () => {
    await writeFile(join(folder, `${name}.wasm`), await guest(name))
    const refused = await failure(load(`./${name}.wasm`, { stubs: './src/fail.ts' }))
    expect([refused.code, refused.message]).toEqual([
      'InvalidConfiguration',
      expect.stringContaining('stubs are for functions in'),
    ])
    await using fn = await load(`./${name}.wasm`)
    const response = await fn.fetch('/', { method: 'POST', body: 'through' })
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('through')
  })
})

describe('a function that cannot be loaded', () => {
  test('names the place of a syntax error', async () => {
    const error = await failure(load('./src/broken.ts'))
    expect(error.code).toBe('BuildFailed')
    expect(error.message).toMatch(/broken\.ts:\d+:\d+/)
  })

  test('names the place where its top level threw', async () => {
    const error = await failure(load('./src/throws.ts'))
    expect(error.code).toBe('BuildFailed')
    expect(error.message).toMatch(/throws\.ts:2:\d+/)
    expect(error.message).toContain('at the top')
  })

  test('that does not exist says what paths are relative to', async () => {
    const error = await failure(load('./src/nothing.ts'))
    expect(error.code).toBe('InvalidConfiguration')
    expect(error.message).toContain('relative to the working directory')
  })
})

test('a closed function refuses calls, and closing again is nothing', async () => {
  const fn = await load('./src/index.ts')
  await fn.close()
  await fn.close()
  expect((await failure(fn.fetch('/'))).message).toContain('is closed')
})
