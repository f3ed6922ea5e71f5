import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { AmpouleError } from '../errors.ts'
import { sendWhole } from '../triggers/http-answer.ts'
import { REQUEST_ID_HEADER } from '../triggers/http-headers.ts'
import { errorAnswer } from './errors.ts'
import type { Gateway, GatewayEnv } from './gateway.ts'
import { acceptHttp2 } from './http2.ts'
import type { InFlight } from './in-flight.ts'

/** Time that aborted invocations have to unwind and to answer 503 before their connections are cut. */
const UNWIND_MS = 700

export interface ListenOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Lets several lanes listen on one port; the kernel spreads the connections over them. */
  readonly reusePort: boolean
  readonly inFlight: InFlight
  /** Whether clients may speak HTTP/2 without TLS, too. Default: no. */
  readonly http2?: boolean
}

export interface Listener {
  readonly port: number
  /** Stops accepting; on open connections new requests are answered 503; waits up to `graceMs` for what runs and ends the rest with `ShuttingDown`. */
  stop(graceMs: number): Promise<void>
}

/** Serves the gateway. Rejects with `AddressInUse`, or `InvalidConfiguration` when the address cannot be listened on. */
export async function listen({ app, serve }: Pick<Gateway, 'app' | 'serve'>, options: ListenOptions): Promise<Listener> {
  const { inFlight, host, port, reusePort, http2 = false } = options
  // The host reads bodies itself and decides what becomes of the rest of one (src/triggers/http-answer.ts).
  const handle = getRequestListener(
    (request, env) => {
      const bindings = env as GatewayEnv['Bindings']
      const response = app.fetch(request, bindings)
      // Hono answers HEAD with a new response made of the handler's, which hides that the answer has gone out already.
      if (request.method !== 'HEAD' || !(response instanceof Promise)) return response
      return response.then((made) => (bindings.outgoing.headersSent ? RESPONSE_ALREADY_SENT : made))
    },
    { hostname: host, autoCleanupIncoming: false },
  )
  const server = createServer((incoming, outgoing) => {
    if (!inFlight.draining) {
      if (!serve(incoming, outgoing)) void handle(incoming, outgoing)
      return
    }
    const requestId = randomUUID()
    const shuttingDown = new AmpouleError('ShuttingDown', 'the host is shutting down')
    const { status, headers, content } = errorAnswer(shuttingDown, { requestId, dev: false })
    sendWhole(incoming, outgoing, { status, headers, contentLength: undefined }, content, {
      extra: [REQUEST_ID_HEADER, requestId],
      close: true,
    })
  })
  // Whoever reads the body says `100 Continue`: until then a request can be refused without its body being sent.
  server.on('checkContinue', (incoming, outgoing) => server.emit('request', incoming, outgoing))
  const sessions = http2 ? acceptHttp2(server) : undefined
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen({ host, port, reusePort }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async stop(graceMs) {
      inFlight.drain()
      sessions?.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const idle = inFlight.idle().then(() => true)
      if (!(await within(idle, graceMs))) {
        inFlight.abortAll(new AmpouleError('ShuttingDown', 'the host is shutting down'))
        await within(idle, UNWIND_MS)
      }
      // Answers that are still on their way out get the same time; connections that only idle do not.
      server.closeIdleConnections()
      await within(
        closed.then(() => true),
        UNWIND_MS,
      )
      server.closeAllConnections()
      sessions?.destroy()
      await closed
    },
  }
}

/** The error for an address that cannot be listened on, with what to do about it. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): AmpouleError {
  const where = `${host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new AmpouleError(
      'AddressInUse',
      `port ${port} on ${host} is in use: stop what listens there, or choose another port with --port N or "port" in ampoule.jsonc`,
      { cause: error },
    )
  }
  return new AmpouleError(
    'InvalidConfiguration',
    `cannot listen on ${where} (${error.code ?? error.message}): choose another address with --host and --port`,
    { cause: error },
  )
}

async function within(done: Promise<boolean>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}
