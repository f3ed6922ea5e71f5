import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../../src/invoke/message.ts'
import { guest } from '../guests/index.ts'
import { ask, RawConnection } from './client.ts'
import { mirrorGuest, wish, witness } from './mirror.ts'
import { startServer, type TestServer } from './server.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const MAX_BYTES = 100_000

interface SeenEvent {
  readonly type: string
  readonly id: string
  readonly fn: string
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array | null
}

let server: TestServer
beforeAll(async () => {
  const hostile = await guest('hostile')
  server = await startServer({
    mirror: {
      component: await mirrorGuest(),
      settings: {
        maxRequestBytes: MAX_BYTES,
        maxResponseBytes: 4_000_000,
        timeoutMs: 10_000,
        routes: ['mirror.test/*', '/routed/*'],
      },
    },
    echo: { component: await guest('echo') },
    javascript: { component: await guest('echo-quickjs') },
    hostile: { component: hostile, settings: { timeoutMs: 300, concurrency: 2 } },
    slow: { component: hostile, settings: { timeoutMs: 10_000, concurrency: 1 } },
    burnt: { component: hostile, settings: { fuel: 1_000_000 } },
  })
}, 60_000)
afterAll(() => server.stop())

const mirror = (answer: unknown, method = 'POST') => ask(server.port, '/mirror/', { method, body: wish(encodeMessage(answer)) })
const seen = (body: Buffer) => decodeMessage(body) as SeenEvent

describe('a request to a function in JavaScript', () => {
  test.each([
    ['text', Buffer.from('plain')],
    ['characters beyond ASCII', Buffer.from('\u00fc\u{1f600}')],
    ['bytes that are no text', Buffer.from([0, 0xff, 0x80])],
    ['100,000 bytes', Buffer.alloc(100_000, 'x')],
  ])('is answered with its own body of %s', async (_, body) => {
    const headers = { 'content-type': 'application/x-echo', cookie: 'a=b' }
    const answer = await ask(server.port, '/javascript/', { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
    expect(answer.header('content-type')).toBe('application/x-echo')
    expect(Buffer.compare(answer.body, body)).toBe(0)
  })

  test('without a body has its path taken apart', async () => {
    expect((await ask(server.port, '/javascript/a%20b?c=d')).body.toString()).toBe('/a%20b')
  })
})

describe('a request to a function of the event world', () => {
  test('arrives with its method, absolute URL and id, the name taken off the path and told in a header', async () => {
    const answer = await ask(server.port, '/mirror/a/b?c=d&c=e')
    expect(seen(answer.body)).toMatchObject({
      type: 'http',
      fn: 'mirror',
      id: answer.header('x-ampoule-request-id'),
      method: 'GET',
      url: `http://127.0.0.1:${server.port}/a/b?c=d&c=e`,
      body: null,
    })
    expect(seen(answer.body).headers).toContainEqual(['x-forwarded-prefix', '/mirror'])
  })

  test.each([
    ['/mirror', '/'],
    ['/mirror?x', '/?x'],
    ['/mirror//', '//'],
    ['/mirror/%2e%2e/x', '/%2e%2e/x'],
  ])('for %s has the path %s', async (path, expected) => {
    expect(seen((await ask(server.port, path)).body).url).toBe(`http://127.0.0.1:${server.port}${expected}`)
  })

  test('that came by a route keeps its path and has no prefix', async () => {
    const byPath = seen((await ask(server.port, '/routed/x')).body)
    expect(byPath.url).toBe(`http://127.0.0.1:${server.port}/routed/x`)
    const byHost = seen((await ask(server.port, '/echo/x', { headers: { host: 'Mirror.Test:81' } })).body)
    expect(byHost.url).toBe('http://Mirror.Test:81/echo/x')
    expect(byHost.headers.map(([name]) => name)).not.toContain('x-forwarded-prefix')
  })

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY'])(
    'may have the method %s',
    async (method) => {
      expect(seen((await ask(server.port, '/mirror/', { method, body: witness(Buffer.from('x')) })).body).method).toBe(method)
    },
  )

  test('keeps duplicate headers, in order', async () => {
    const answer = await ask(server.port, '/mirror/', { headers: { 'X-Dup': ['1', '2'], Cookie: 'a=1' } })
    expect(seen(answer.body).headers.filter(([name]) => name === 'x-dup')).toEqual([
      ['x-dup', '1'],
      ['x-dup', '2'],
    ])
  })

  test('has every byte of a binary body, declared or chunked', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 * 20 }, (_, index) => index))
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await ask(server.port, '/mirror/', { method: 'POST', body: witness(bytes), headers })
      expect(Buffer.from(seen(answer.body).body ?? []).subarray(0, -4)).toEqual(bytes)
    }
  })

  test('may name its target in absolute form', async () => {
    const connection = new RawConnection(server.port)
    connection.send('GET http://mirror.test/x HTTP/1.1\r\nHost: mirror.test\r\nConnection: close\r\n\r\n')
    expect(await connection.until('end')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('may be HTTP/1.0 without a host', async () => {
    const connection = new RawConnection(server.port)
    connection.send('GET /mirror/ HTTP/1.0\r\n\r\n')
    const text = await connection.until('end')
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toContain('http://localhost/')
  })

  test('whose host header is no host is refused', async () => {
    for (const host of ['a b', 'a/b', 'user@host', 'h:x']) {
      expect(await ask(server.port, '/mirror/', { headers: { host } })).toMatchObject({ status: 400 })
    }
  })
})

describe('an answer of the event world', () => {
  test('goes out with its status, headers and body, and the id of the request', async () => {
    const answer = await mirror({
      status: 418,
      headers: [
        ['X-Pot', 'tea'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      body: 'short and stout',
    })
    expect(answer.status).toBe(418)
    expect(answer.headers).toEqual(
      expect.arrayContaining([
        ['x-pot', 'tea'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['content-length', '15'],
      ]),
    )
    expect(answer.header('x-ampoule-request-id')).toMatch(UUID)
    expect(answer.header('server-timing')).toBeUndefined()
    expect(answer.body.toString()).toBe('short and stout')
  })

  test.each([0, 1, 16_384, 16_385, 90_000])('may have a binary body of %d bytes', async (length) => {
    const body = Buffer.alloc(length, 0xe9)
    expect((await mirror({ status: 200, body })).body.equals(body)).toBe(true)
  })

  test('to HEAD has the length of the body and no body', async () => {
    const answer = await mirror({ status: 200, headers: [], body: 'hello' }, 'HEAD')
    expect(answer.header('content-length')).toBe('5')
    expect(answer.body).toHaveLength(0)
    expect(
      (await mirror({ status: 200, headers: [['content-length', '123']], body: null }, 'HEAD')).header('content-length'),
    ).toBe('123')
  })

  test.each([204, 304])('of status %d has neither body nor length', async (status) => {
    const answer = await mirror({ status, headers: [], body: 'ignored' })
    expect(answer.status).toBe(status)
    expect(answer.header('content-length')).toBeUndefined()
    expect(answer.body).toHaveLength(0)
  })

  test('cannot lie about its length', async () => {
    const answer = await mirror({ status: 200, headers: [['content-length', '3']], body: 'hello' })
    expect(answer.header('content-length')).toBe('5')
    expect(answer.body.toString()).toBe('hello')
  })

  test('cannot change the connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const body = wish(
      encodeMessage({
        status: 200,
        headers: [
          ['connection', 'close'],
          ['transfer-encoding', 'gzip'],
        ],
        body: 'x',
      }),
    )
    const answer = await ask(server.port, '/mirror/', { method: 'POST', body, agent })
    expect(answer.header('connection')).toBe('keep-alive')
    expect(answer.header('transfer-encoding')).toBeUndefined()
    expect((await ask(server.port, '/mirror/', { agent })).status).toBe(200)
    agent.destroy()
  })

  test.each([
    ['injects a header', { status: 200, headers: [['x', 'a\r\nx-injected: 1']], body: '' }],
    ['has an informational status', { status: 101, headers: [], body: '' }],
    ['has no status', { headers: [] }],
    ['is no map', [1, 2]],
  ])('that %s is answered with 502 and nothing of it', async (_, answer) => {
    const { status, headers, json } = await mirror(answer)
    expect(status).toBe(502)
    expect(json()).toEqual({
      code: 'InvalidResponse',
      message: "the function's answer is not valid",
      requestId: expect.stringMatching(UUID) as string,
    })
    expect(headers.map(([name]) => name)).not.toContain('x-injected')
  })

  test.each([
    ['the reserved code', Buffer.from([0xc1])],
    ['200 KB of nesting', Buffer.alloc(90_000, 0x91)],
    ['a lying length', Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['records', Buffer.from('d472 4091a16101'.replace(' ', ''), 'hex')],
  ])('made of %s is answered with 502', async (_, bytes) => {
    const answer = await ask(server.port, '/mirror/', { method: 'POST', body: wish(bytes) })
    expect(answer.status).toBe(502)
    expect(answer.json()).toMatchObject({ code: 'InvalidResponse' })
  })
})

describe('a body over the limit', () => {
  test('that is declared is answered with 413 before any of it was sent', async () => {
    const connection = new RawConnection(server.port)
    connection.send(`POST /mirror/ HTTP/1.1\r\nHost: h\r\nContent-Length: ${MAX_BYTES + 1}\r\n\r\n`)
    const text = await connection.until((received) => received.includes('PayloadTooLarge'))
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text.toLowerCase()).toContain('connection: close')
    connection.socket.destroy()
  })

  test('that is chunked is answered with 413 as soon as the limit is passed, while it is still being sent', async () => {
    const connection = new RawConnection(server.port)
    connection.send('POST /mirror/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`
    for (let sent = 0; sent <= MAX_BYTES; sent += 0x8000) connection.send(chunk)
    expect(await connection.until((received) => received.includes('PayloadTooLarge'))).toMatch(/^HTTP\/1\.1 413 /)
    await connection.until('end')
  })

  test('names the limit and its setting to the caller', async () => {
    const answer = await ask(server.port, '/mirror/', { method: 'POST', body: Buffer.alloc(MAX_BYTES + 1) })
    expect(answer.json()).toMatchObject({
      code: 'PayloadTooLarge',
      message: `the request of ${MAX_BYTES + 1} bytes is larger than ${MAX_BYTES} bytes (maxRequestBytes)`,
    })
  })

  test('of the response is answered with 502', async () => {
    const answer = await ask(server.port, '/hostile/!11,7000000')
    expect(answer.status).toBe(502)
  })
})

describe('a body exactly at the limit', () => {
  test('is accepted', async () => {
    expect((await ask(server.port, '/mirror/', { method: 'POST', body: witness(Buffer.alloc(MAX_BYTES - 4)) })).status).toBe(200)
  })
})

const head = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`

describe('Expect: 100-continue', () => {
  test('is answered with 100 before the body is sent, and with the answer after it', async () => {
    const connection = new RawConnection(server.port)
    connection.send(head('/echo/', 5))
    await connection.until((received) => received === 'HTTP/1.1 100 Continue\r\n\r\n')
    connection.send('hello')
    expect(await connection.until((received) => received.endsWith('hello'))).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /,
    )
    connection.socket.destroy()
  })

  test.each([
    ['413', '/mirror/', 'a body over the limit'],
    ['404', '/nothing-here/', 'a path without a function'],
  ])('is answered with %s alone for %s', async (status, path) => {
    const connection = new RawConnection(server.port)
    connection.send(head(path, MAX_BYTES + 1))
    const text = await connection.until('end')
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).not.toContain('100 Continue')
  })
})

describe('an invocation that fails', () => {
  test('for want of a function is answered with 404, without suggestions outside development', async () => {
    const answer = await ask(server.port, '/mirrr/')
    expect(answer.status).toBe(404)
    expect(answer.json()).toEqual({
      code: 'FunctionNotFound',
      message: 'no function is at this path',
      requestId: answer.header('x-ampoule-request-id'),
    })
  })

  test('at its deadline is answered with 504', async () => {
    const answer = await ask(server.port, '/hostile/!1,0')
    expect(answer.status).toBe(504)
    expect(answer.json()).toMatchObject({ code: 'DeadlineExceeded' })
  })

  test('for want of fuel is answered with 504', async () => {
    const answer = await ask(server.port, '/burnt/!1,0')
    expect(answer.status).toBe(504)
    expect(answer.json()).toMatchObject({ code: 'FuelExhausted' })
  })

  test('by a trap is answered with 502 and tells nothing of the guest', async () => {
    const answer = await ask(server.port, '/hostile/!9,0')
    expect(answer.status).toBe(502)
    expect(answer.json()).toEqual({
      code: 'FunctionTrapped',
      message: 'the function failed',
      requestId: answer.header('x-ampoule-request-id'),
    })
    expect(
      await server.record((record) => record.type === 'report' && record.requestId === answer.header('x-ampoule-request-id')),
    ).toMatchObject({ outcome: 'FunctionTrapped' })
  })

  test('over its concurrency is answered with 429 and when to try again, and works again afterwards', async () => {
    const running = ['1', '2'].map(() => ask(server.port, '/hostile/!1,0'))
    const answers = await Promise.all([...running, ask(server.port, '/hostile/!1,0')])
    const refused = answers.find(({ status }) => status === 429)
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([429, 504, 504])
    expect(refused?.json()).toMatchObject({ code: 'TooManyRequests' })
    expect(refused?.header('retry-after')).toBe('1')
    expect((await ask(server.port, '/hostile/!0,0')).status).toBe(200)
  })

  test('because the client went away is ended at once and frees its place', async () => {
    const connection = new RawConnection(server.port)
    connection.send('GET /slow/!1,0 HTTP/1.1\r\nHost: h\r\n\r\n')
    // The place is taken when another request is refused.
    for (;;) if ((await ask(server.port, '/slow/!0,0')).status === 429) break
    connection.socket.destroy()
    const report = await server.record(
      (record) => record.type === 'report' && record.function === 'slow' && record.outcome === 'Cancelled',
    )
    expect(report).toMatchObject({ message: 'the client has gone away' })
    expect((await ask(server.port, '/slow/!0,0')).status).toBe(200)
  })

  test('while its body is read, because the client went away, ends as cancelled', async () => {
    const connection = new RawConnection(server.port)
    connection.send('POST /echo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
    connection.socket.end()
    connection.socket.destroySoon()
    const report = server.record(
      (record) => record.type === 'report' && record.function === 'echo' && record.outcome === 'Cancelled',
    )
    expect(await report).toMatchObject({ message: 'the client has gone away' })
  })
})

describe('many requests on one connection', () => {
  test('are answered each with its own answer and an id of its own', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ids = new Set<string>()
    for (let count = 0; count < 50; count++) {
      const answer = await ask(server.port, '/echo/', { method: 'POST', body: Buffer.from(`number ${count}`), agent })
      expect(answer.body.toString()).toBe(`number ${count}`)
      ids.add(answer.header('x-ampoule-request-id') ?? '')
    }
    expect(ids.size).toBe(50)
    agent.destroy()
  })

  test('may be pipelined', async () => {
    const connection = new RawConnection(server.port)
    connection.send('GET /echo/one HTTP/1.1\r\nHost: h\r\n\r\nGET /echo/two HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    const text = await connection.until('end')
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
  })
})
