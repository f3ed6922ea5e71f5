import { Agent } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildFunction } from '../../src/build/build.ts'
import { createGateway } from '../../src/gateway/gateway.ts'
import { InFlight } from '../../src/gateway/in-flight.ts'
import { listen } from '../../src/gateway/listen.ts'
import { guest } from '../guests/index.ts'
import { ask, RawConnection } from '../triggers/client.ts'
import { startServer, type TestServer } from '../triggers/server.ts'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/ampoule-test/', import.meta.url))
const UUID = /^[0-9a-f-]{36}$/

async function functions() {
  const component = await guest('hostile')
  const throwing = await buildFunction({
    entry: fileURLToPath(new URL('./throws.ts', import.meta.url)),
    engine: 'quickjs',
    cacheDir: CACHE,
  })
  return {
    hello: { component, settings: { timeoutMs: 400 } },
    slow: { component, settings: { timeoutMs: 20_000 } },
    throws: { component: throwing.component },
  }
}

describe('outside development', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer(await functions())))
  afterAll(() => server.stop())

  test('there is no index, and suggestions and details are not given', async () => {
    const index = await ask(server.port, '/')
    expect(index.status).toBe(404)
    expect((await ask(server.port, '/helo')).body.toString()).not.toContain('hello')
    const failed = await ask(server.port, '/hello/!9,0')
    expect(failed.json()).not.toHaveProperty('error')
    expect(failed.header('server-timing')).toBeUndefined()
  })

  test('the host tells that it is healthy, below the path that no function can have', async () => {
    const answer = await ask(server.port, '/_ampoule/health')
    expect(answer.json()).toEqual({ status: 'ok' })
    expect(answer.header('x-ampoule-request-id')).toMatch(UUID)
    expect((await ask(server.port, '/_ampoule/other')).status).toBe(404)
    expect((await ask(server.port, '/_ampoule/health', { method: 'HEAD' })).status).toBe(200)
  })

  test('every answer has an id of its own, that of an error in its body too', async () => {
    const answers = await Promise.all(
      ['/', '/nope', '/hello/!0,0', '/hello/!9,0', '/_ampoule/health'].map((path) => ask(server.port, path)),
    )
    const ids = answers.map((answer) => answer.header('x-ampoule-request-id'))
    expect(new Set(ids).size).toBe(5)
    for (const id of ids) expect(id).toMatch(UUID)
    expect(answers[0]?.json()).toMatchObject({ requestId: ids[0] })
  })

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'a path without a function is answered with 404 to %s',
    async (method) => {
      expect(await ask(server.port, '/nope', { method })).toMatchObject({ status: 404 })
    },
  )

  test('a path without a function is answered with 404 to HEAD, without a body', async () => {
    const answer = await ask(server.port, '/nope', { method: 'HEAD' })
    expect(answer.status).toBe(404)
    expect(answer.body).toHaveLength(0)
  })

  test('a target that is no path is answered with 404, not with a crash', async () => {
    for (const target of ['*', 'nonsense', '//', '/%', '/%00']) {
      const connection = new RawConnection(server.port)
      connection.send(`OPTIONS ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
      expect(await connection.until('end')).toMatch(/^HTTP\/1\.1 40[04] /)
    }
    expect((await ask(server.port, '/_ampoule/health')).status).toBe(200)
  })

  test('a big body for a path without a function does not keep the client from its 404', async () => {
    const answer = await ask(server.port, '/nope', { method: 'POST', body: Buffer.alloc(500_000) })
    expect(answer.status).toBe(404)
    expect(answer.header('connection')).toBe('close')
  })
})

describe('in development', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer(await functions(), { dev: true })))
  afterAll(() => server.stop())

  test('the index lists the functions: as a page for browsers, as JSON for everyone else', async () => {
    const json = await ask(server.port, '/')
    expect(json.json()).toMatchObject({
      functions: [{ name: 'hello', path: '/hello/', timeoutMs: 400 }, { name: 'slow' }, { name: 'throws' }],
    })
    const page = await ask(server.port, '/', { headers: { accept: 'text/html,*/*' } })
    expect(page.header('content-type')).toBe('text/html; charset=UTF-8')
    expect(page.header('vary')).toBe('accept')
    expect(page.body.toString()).toContain('<a href="/hello/">hello</a>')
    expect(page.body.toString()).toContain('<html lang="en">')
  })

  test('an unknown path is answered with a suggestion', async () => {
    expect((await ask(server.port, '/helo/x')).json()).toMatchObject({
      message: 'no function is at this path; did you mean "/hello"?',
    })
  })

  test('a trap is answered with what the engine said, without frames of the host', async () => {
    const { error, message } = (await ask(server.port, '/hello/!9,0')).json() as {
      message: string
      error: { name: string; stack: string }
    }
    expect(message).toContain('unreachable')
    expect(error.name).toBe('RuntimeError')
    expect(error.stack).toContain('wasm')
    expect(error.stack).not.toContain('/src/')
  })

  test('an exception is answered with its name, message and stack', async () => {
    const answer = await ask(server.port, '/throws/')
    expect(answer.status).toBe(502)
    expect(answer.json()).toMatchObject({
      code: 'FunctionError',
      message: 'TypeError: thrown on purpose',
      error: { name: 'TypeError', message: 'thrown on purpose', stack: expect.stringContaining('handler') as string },
    })
  })

  test('server-timing says how long the invocation waited, how long the restore took, how long the guest', async () => {
    expect((await ask(server.port, '/hello/!0,0')).header('server-timing')).toMatch(
      /^queue;dur=[\d.]+, restore;dur=[\d.]+, guest;dur=[\d.]+$/,
    )
  })
})

describe('a host that shuts down', () => {
  test('lets what runs finish, answers 503 on connections that are still open and accepts no new ones', async () => {
    const server = await startServer(await functions())
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await ask(server.port, '/_ampoule/health', { agent })
    const running = new RawConnection(server.port)
    running.send('GET /hello/!1,0 HTTP/1.1\r\nHost: h\r\n\r\n')
    const pipelined = new RawConnection(server.port)
    pipelined.send('GET /hello/!1,0 HTTP/1.1\r\nHost: h\r\n\r\n')
    await Promise.all([running, pipelined].map((one) => new Promise((resolve) => one.socket.once('connect', resolve))))
    // Both have been taken when a later connection was answered.
    await ask(server.port, '/_ampoule/health')
    const stopped = server.stop(10_000)
    pipelined.send('GET /_ampoule/health HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(await running.until('end')).toMatch(/^HTTP\/1\.1 504 [\s\S]*connection: close/i)
    const text = await pipelined.until('end')
    expect(text).toMatch(/^HTTP\/1\.1 504 /)
    await stopped
    await expect(ask(server.port, '/hello/!0,0')).rejects.toThrow(/ECONNREFUSED/)
    agent.destroy()
  })

  test('ends with 503 what is still running after the grace, and does not wait for its timeout', async () => {
    const server = await startServer(await functions())
    const running = new RawConnection(server.port)
    running.send('GET /slow/!1,0 HTTP/1.1\r\nHost: h\r\n\r\n')
    await new Promise((resolve) => running.socket.once('connect', resolve))
    await ask(server.port, '/_ampoule/health')
    await server.stop(50)
    expect(await running.until('end')).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"ShuttingDown"/)
    expect(await server.record((record) => record.type === 'report')).toMatchObject({ outcome: 'ShuttingDown' })
  })

  test('answers new requests on connections that are still open with 503 and closes them', async () => {
    const server = await startServer(await functions())
    const running = new RawConnection(server.port)
    running.send('GET /hello/!1,0 HTTP/1.1\r\nHost: h\r\n\r\n')
    // A request of which only the beginning has come keeps its connection open.
    const begun = new RawConnection(server.port)
    begun.send('GET /hello/!0,0 HTTP/1.1\r\n')
    await Promise.all([running, begun].map((one) => new Promise((resolve) => one.socket.once('connect', resolve))))
    await ask(server.port, '/_ampoule/health')
    const stopped = server.stop(10_000)
    begun.send('Host: h\r\n\r\n')
    const text = await begun.until('end')
    expect(text).toMatch(/^HTTP\/1\.1 503 /)
    expect(text).toMatch(/connection: close/i)
    await stopped
  })
})

const emptyGateway = () => {
  const inFlight = new InFlight()
  const invocations = { observe: () => undefined, reports: 'failures', now: Date.now } as const
  return { inFlight, gateway: createGateway({ functions: new Map(), dev: false, inFlight, invocations }) }
}

describe('an address that cannot be listened on', () => {
  test('because its port is busy is AddressInUse and says which, and how to take another', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const { gateway: one, inFlight } = emptyGateway()
    await expect(listen(one, { host: '127.0.0.1', port, reusePort: false, inFlight })).rejects.toMatchObject({
      code: 'AddressInUse',
      message: expect.stringMatching(new RegExp(`port ${port} on 127\\.0\\.0\\.1 .*--port`)) as string,
    })
    taken.close()
  })

  test('because it is not of this machine is InvalidConfiguration', async () => {
    const { gateway: one, inFlight } = emptyGateway()
    await expect(listen(one, { host: '192.0.2.1', port: 0, reusePort: false, inFlight })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    })
  })
})
