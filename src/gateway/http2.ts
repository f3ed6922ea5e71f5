import { request, type ClientRequest, type IncomingHttpHeaders, type Server } from 'node:http'
import {
  constants,
  createServer,
  type IncomingHttpHeaders as Http2Headers,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { duplexPair, type Duplex } from 'node:stream'

/** RFC 9113 3.4: with this a client begins that knows that it speaks HTTP/2. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** Of one connection, at a time. */
const MAX_STREAMS = 100
/** A connection that says nothing for so long is cut; milliseconds. */
const SILENT_MS = 60_000
/** RFC 9113 8.2.2: what HTTP/2 has no room for. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'http2-settings',
])

/**
 * Lets clients speak HTTP/2 to a server of HTTP/1.1, without TLS and on the same port (RFC 9113 3.3, "prior knowledge"): the AWS SDK's
 * client of Kinesis does. Each stream becomes a request to the server. Gives what ends all such connections: at once, or when their
 * streams have ended.
 */
export function acceptHttp2(server: Server): { close(): void; destroy(): void } {
  const sessions = new Set<ServerHttp2Session>()
  /** Have said nothing yet. */
  const silent = new Set<Socket>()
  const createConnection = (): Duplex => {
    const [client, own] = duplexPair()
    IN_PROCESS.add(own)
    // One side's end is told to the other, its destruction is not.
    client.on('close', () => own.destroy())
    own.on('close', () => {
      if (!own.writableFinished) client.destroy()
    })
    server.emit('connection', own)
    return client
  }
  const http2 = createServer({ settings: { maxConcurrentStreams: MAX_STREAMS } })
  http2.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // What a client does wrong is told to it, and ends its connection only.
    session.on('error', () => session.destroy())
  })
  http2.on('stream', (stream: ServerHttp2Stream, headers) => bridge(stream, headers, createConnection))
  const serveHttp1 = server.listeners('connection') as ((socket: Duplex) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (IN_PROCESS.has(socket)) for (const serve of serveHttp1) serve.call(server, socket)
    else {
      silent.add(socket)
      socket.on('close', () => silent.delete(socket))
      tell(socket, (isHttp2) => {
        silent.delete(socket)
        if (isHttp2) {
          // As in a server of HTTP/2: a client that ends its side is gone.
          socket.allowHalfOpen = false
          http2.emit('connection', socket)
        } else for (const serve of serveHttp1) serve.call(server, socket)
      })
    }
  })
  return {
    close() {
      silent.forEach((socket) => socket.destroy())
      sessions.forEach((session) => session.close())
    },
    destroy: () => sessions.forEach((session) => session.destroy()),
  }
}

/** Waits for the first bytes, which the socket still has afterwards. */
function tell(socket: Socket, found: (isHttp2: boolean) => void): void {
  const cut = (): void => void socket.destroy()
  socket.setTimeout(SILENT_MS, cut)
  socket.on('error', cut)
  socket.on('end', cut)
  let seen = Buffer.alloc(0)
  const look = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk !== null) seen = Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, PREFACE.length)
    const isPreface = seen.subarray(0, length).equals(PREFACE.subarray(0, length))
    if (length === 0 || (isPreface && length < PREFACE.length)) return
    socket.off('readable', look)
    for (const event of ['error', 'end', 'timeout']) socket.off(event, cut)
    socket.setTimeout(0)
    socket.unshift(seen)
    found(isPreface)
  }
  socket.on('readable', look)
}

/** Connections that are none of the network. */
const IN_PROCESS = new WeakSet<Duplex>()

function bridge(stream: ServerHttp2Stream, headers: Http2Headers, createConnection: () => Duplex): void {
  const own: IncomingHttpHeaders = { host: headers[':authority'] ?? headers.host }
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(':') && name !== 'host' && !OF_CONNECTION.has(name)) own[name] = value
  let outgoing: ClientRequest
  try {
    const { [':method']: method, [':path']: path } = headers
    if (path === undefined) throw new TypeError('there are no tunnels')
    outgoing = request({ createConnection, method, path, headers: own, setHost: false })
  } catch {
    // A method or a path that HTTP/1.1 cannot have, or CONNECT.
    stream.respond({ ':status': 400 }, { endStream: true })
    return
  }
  outgoing.on('response', (incoming) => {
    if (stream.destroyed) {
      incoming.destroy()
      return
    }
    const answered = Object.entries(incoming.headers).filter(([name]) => !OF_CONNECTION.has(name))
    stream.respond({ ':status': incoming.statusCode, ...Object.fromEntries(answered) })
    incoming.pipe(stream)
    incoming.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  })
  const fail = (): void => stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  outgoing.on('error', fail)
  for (const event of ['close', 'error']) stream.on(event, () => outgoing.destroy())
  stream.pipe(outgoing, { end: false })
  stream.on('end', () => {
    // A stream that was given up ends, too: what came of it is not all.
    if (stream.closed) outgoing.destroy()
    else outgoing.end()
  })
}
