import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTcp, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acceptHttp2 } from '../../src/gateway/http2.ts'

let server: Server
let sessions: ReturnType<typeof acceptHttp2>
let port: number
const opened: ClientHttp2Session[] = []

beforeEach(async () => {
  server = createServer((incoming, outgoing) => {
    void text(incoming).then(
      (body) => {
        outgoing.setHeader(
          'x-seen',
          `${incoming.method} ${incoming.url} ${incoming.headers.host} ${String(incoming.headers['x-own'])}`,
        )
        outgoing.statusCode = 201
        outgoing.end(body.toUpperCase())
      },
      () => undefined,
    )
  })
  sessions = acceptHttp2(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo)
})
afterEach(async () => {
  for (const session of opened.splice(0)) session.destroy()
  sessions.close()
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  sessions.destroy()
  await closed
})

function open(): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  opened.push(session)
  return session
}

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body = '') {
  const stream = session.request(headers)
  stream.end(body)
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>]
  return { status: head[':status'], seen: head['x-seen'], body: await text(stream) }
}

const post = { ':method': 'POST', ':path': '/path?a=b', 'x-own': 'yes' }

describe('a server of HTTP/1.1 that takes HTTP/2', () => {
  it('answers requests of both on one port', async () => {
    const session = open()
    const answers = await Promise.all(['one', 'two', 'x'.repeat(300_000)].map((body) => ask(session, post, body)))
    const seen = `POST /path?a=b 127.0.0.1:${port} yes`
    expect(answers).toEqual(['ONE', 'TWO', 'X'.repeat(300_000)].map((body) => ({ status: 201, seen, body })))
    const plain = await fetch(`http://127.0.0.1:${port}/path?a=b`, { method: 'POST', body: 'three', headers: { 'x-own': 'yes' } })
    expect([plain.headers.get('x-seen'), await plain.text()]).toEqual([seen, 'THREE'])
  })

  it('takes a request of HTTP/1.1 and a preface that come byte by byte', async () => {
    const send = async (content: string, answered: RegExp) => {
      const socket = connectTcp(port, '127.0.0.1')
      // The server may have seen enough before all is sent.
      socket.on('error', () => undefined)
      let answer = ''
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
      for (const character of content) {
        socket.write(character)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(() => answer).toMatch(answered)
      socket.destroy()
    }
    await send('PRIMARY / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400/)
    await send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi', /HI$/)
    // The server's SETTINGS.
    await send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', /^.{9}/s)
  })

  it.each<[string, OutgoingHttpHeaders]>([
    ['a method that is none', { ':method': 'NO GOOD', ':path': '/' }],
    ['a path with a space', { ':method': 'GET', ':path': '/a b' }],
  ])('refuses %s, and goes on', async (_, headers) => {
    const session = open()
    const stream = session.request(headers)
    stream.end()
    // Node's own client and server see most of it before the host does.
    const [head] = (await once(stream, 'response').catch(() => [])) as [Record<string, unknown>?]
    expect([400, undefined]).toContain(head?.[':status'])
    expect((await ask(open(), post, 'on')).body).toBe('ON')
  })

  it('goes on when clients send nonsense, go away, or ask for a tunnel', async () => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame')
    const tunnel = open().request({ ':method': 'CONNECT', ':authority': 'elsewhere:1' })
    const [refused] = (await once(tunnel, 'response')) as [Record<string, unknown>]
    expect(refused[':status']).toBe(400)
    const session = open()
    const gone = session.request(post)
    gone.on('error', () => undefined)
    gone.write('half')
    const [arrived] = (await once(server, 'request')) as [IncomingMessage]
    const closed = once(arrived, 'close').catch(() => undefined)
    session.destroy()
    await closed
    expect(arrived.complete).toBe(false)
    socket.destroy()
    expect((await ask(open(), post, 'on')).body).toBe('ON')
  })

  it('does not wait for connections that say nothing when it ends', async () => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    await expect.poll(async () => (await ask(open(), post, 'on')).status).toBe(201)
    const closed = once(socket, 'close')
    sessions.close()
    await closed
  })
})
