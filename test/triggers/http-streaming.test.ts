import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildFunction } from '../../src/build/build.ts'
import { ask, RawConnection } from './client.ts'
import { startServer, type TestServer } from './server.ts'

const MAX_BYTES = 300_000
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/ampoule-test/', import.meta.url))

let server: TestServer
let dev: TestServer
beforeAll(async () => {
  const entry = fileURLToPath(new URL('./streaming.js', import.meta.url))
  const { component } = await buildFunction({ entry, kind: 'wasi-http', cacheDir: CACHE })
  const settings = { timeoutMs: 10_000, maxRequestBytes: MAX_BYTES }
  server = await startServer({ stream: { component, settings } })
  dev = await startServer({ stream: { component, settings: { ...settings, timeoutMs: 1000 } } }, { dev: true })
})
afterAll(() => Promise.all([server.stop(), dev.stop()]))

const get = (path: string, head = '') => `GET /stream${path} HTTP/1.1\r\nHost: h.test\r\n${head}\r\n`
const post = (path: string, head: string) => `POST /stream${path} HTTP/1.1\r\nHost: h.test\r\n${head}\r\n`

describe('a request to a wasi:http function', () => {
  test('arrives with method, URL, headers and body', async () => {
    const answer = await ask(server.port, '/stream/request?q=1', {
      method: 'PUT',
      headers: { 'x-dup': ['1', '2'] },
      body: Buffer.from('hello'),
    })
    expect(answer.json()).toMatchObject({ method: 'PUT', url: `http://127.0.0.1:${server.port}/request?q=1`, body: 'hello' })
    const { headers } = answer.json() as { headers: [string, string][] }
    expect(headers).toEqual(
      expect.arrayContaining([
        ['x-dup', '1, 2'],
        ['x-forwarded-prefix', '/stream'],
      ]),
    )
  })

  test('streams its body into the function and the answer out of it at the same time', async () => {
    const connection = new RawConnection(server.port)
    connection.send(post('/echo', 'Transfer-Encoding: chunked\r\n'))
    connection.send('5\r\nfirst\r\n')
    // The answer's first chunk is here although the request is not over.
    const text = await connection.until((received) => received.includes('first'))
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    connection.send('6\r\nsecond\r\n0\r\n\r\n')
    await connection.until((received) => received.includes('second') && received.endsWith('0\r\n\r\n'))
    connection.socket.destroy()
  })

  test.each([0, 1, 65_536, 65_537, MAX_BYTES])('has all of a body of %d bytes', async (length) => {
    const body = Buffer.alloc(length, 'x')
    expect((await ask(server.port, '/stream/count', { method: 'POST', body })).body.toString()).toBe(String(length))
    const echoed = await ask(server.port, '/stream/echo', { method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } })
    expect(echoed.body.equals(body)).toBe(true)
  })

  test('with Expect: 100-continue is asked for its body', async () => {
    const connection = new RawConnection(server.port)
    connection.send(post('/count', 'Expect: 100-continue\r\nContent-Length: 3\r\n'))
    await connection.until((received) => received.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    connection.send('abc')
    expect(await connection.until((received) => received.endsWith('\r\n\r\n3'))).toContain('HTTP/1.1 200 ')
    connection.socket.destroy()
  })

  test('whose declared body is over the limit is answered with 413', async () => {
    expect((await ask(server.port, '/stream/count', { method: 'POST', body: Buffer.alloc(MAX_BYTES + 1) })).status).toBe(413)
  })

  test('whose chunked body passes the limit while the function reads it is answered with 413', async () => {
    const connection = new RawConnection(server.port)
    connection.send(post('/count', 'Transfer-Encoding: chunked\r\n'))
    for (let sent = 0; sent <= MAX_BYTES; sent += 0x8000) connection.send(`8000\r\n${'x'.repeat(0x8000)}\r\n`)
    expect(await connection.until((received) => received.includes('PayloadTooLarge'))).toMatch(/^HTTP\/1\.1 413 /)
    await connection.until('end')
  })
})

describe('a request that is not read to its end', () => {
  test('is answered at once, and the connection ends while the client is still sending', async () => {
    const connection = new RawConnection(server.port)
    connection.send(post('/unread', 'Transfer-Encoding: chunked\r\n'))
    connection.send(`8000\r\n${'x'.repeat(0x8000)}\r\n`)
    expect(await connection.until((received) => received.includes('/unread'))).toMatch(/^HTTP\/1\.1 200 /)
    await connection.until('end')
  })

  test('does not harm the next one when it ends soon after the answer', async () => {
    const connection = new RawConnection(server.port)
    connection.send(post('/unread', 'Content-Length: 100000\r\n'))
    await connection.until((received) => received.includes('/unread'))
    connection.send(`${'x'.repeat(100_000)}GET /stream/next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    const text = await connection.until('end')
    // Either the connection was closed with the first answer, or the second was given in full.
    expect(/connection: close/i.test(text.split('/unread')[0] ?? '') || text.includes('/next')).toBe(true)
  })
})

describe('an answer of a wasi:http function', () => {
  test('keeps duplicate headers, and 204 has no body', async () => {
    const answer = await ask(server.port, '/stream/cookies')
    expect(answer.status).toBe(204)
    expect(answer.headers).toEqual(
      expect.arrayContaining([
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['x-own', '1'],
      ]),
    )
    expect(answer.header('x-ampoule-request-id')).toBeDefined()
  })

  test('to HEAD has no body', async () => {
    const answer = await ask(server.port, '/stream/some/path', { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.body).toHaveLength(0)
  })

  test('that is shorter than its content-length is never taken for whole', async () => {
    const connection = new RawConnection(server.port)
    connection.send(get('/short', 'Connection: close\r\n'))
    expect(await connection.until('end')).not.toMatch(/^HTTP\/1\.1 200 /)
  })

  test('that is never given because the function throws is 500 of the runtime or 502 of the host, without details', async () => {
    const answer = await ask(server.port, '/stream/throws')
    expect([500, 502]).toContain(answer.status)
    expect(answer.body.toString()).not.toContain('thrown by the guest')
  })

  test('that never ends is ended when the client goes away', async () => {
    const connection = new RawConnection(server.port)
    connection.send(get('/ticks'))
    const text = await connection.until((received) => received.includes('tick 3'))
    const id = /x-ampoule-request-id: (\S+)/.exec(text)?.[1]
    connection.socket.destroy()
    const report = await server.record((record) => record.type === 'report' && record.requestId === id)
    expect(report).toMatchObject({ outcome: 'Cancelled' })
  })

  test('that never ends is ended at the deadline', async () => {
    // Ends with the connection, as its head has gone out long before.
    const connection = new RawConnection(dev.port)
    connection.send(get('/ticks'))
    const text = await connection.until('end')
    expect(text).toContain('tick 1')
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
  })

  test('is held back by a client that does not read, and goes on when it does', async () => {
    const body = Buffer.alloc(MAX_BYTES, 'y')
    const connection = new RawConnection(server.port)
    connection.socket.pause()
    connection.send(post('/echo', `Connection: close\r\nContent-Length: ${MAX_BYTES}\r\n`))
    connection.send(body.toString('latin1'))
    connection.socket.resume()
    const text = await connection.until('end')
    expect(text.match(/y+/g)?.reduce((sum, part) => sum + part.length, 0)).toBeGreaterThanOrEqual(MAX_BYTES)
  })
})

describe('in development', () => {
  test('server-timing says what the invocation took: in the head when the answer is whole, as a trailer when it streams', async () => {
    const streamed = new RawConnection(dev.port)
    streamed.send(post('/echo', 'Connection: close\r\nTransfer-Encoding: chunked\r\n'))
    streamed.send('2\r\nab\r\n0\r\n\r\n')
    const text = (await streamed.until('end')).toLowerCase()
    expect(text).toMatch(/server-timing: queue;dur=[\d.]+, restore;dur=[\d.]+, guest;dur=[\d.]+/)
  })
})
