import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { AmpouleError } from '../errors.ts'
import { nearest } from '../functions/suggest.ts'
import { Invocation, type InvocationOptions } from '../invoke/invocation.ts'
import type { HostedFunctions } from '../invoke/invoke.ts'
import { REQUEST_ID_HEADER } from '../triggers/http-headers.ts'
import { serveHttp } from '../triggers/http.ts'
import { aboutOf, answerError, toError } from './errors-answer.ts'
import type { InFlight } from './in-flight.ts'
import { indexPage, listFunctions } from './index-page.ts'
import { Routes, type Match } from './routes.ts'

export interface GatewayOptions {
  readonly functions: HostedFunctions
  /** Development: error details, `server-timing`, the index at `/`, suggestions. */
  readonly dev: boolean
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
  /** What the host cannot do now, without a word about how it is set up; undefined: nothing. */
  readonly trouble?: () => Promise<string | undefined>
  /** Further tools of development: what they answer below `/_ampoule/dev/`, and what they are shown. Only with `dev`. */
  readonly tools?: GatewayTools
}

export interface GatewayTools {
  /** Sees every request to a function before anything of its body is read. */
  seen(incoming: IncomingMessage): void
  register(app: Hono<GatewayEnv>, functions: () => HostedFunctions): void
}

export type GatewayEnv = { Bindings: HttpBindings }

export interface Gateway {
  /** What the host itself answers: its paths below `/_ampoule/`, in development the index at `/`, 404. */
  readonly app: Hono<GatewayEnv>
  /**
   * Takes a request to its function, if there is one for it; false: it is for `app`. Functions do not go through `app` because
   * a Request, a Context and a Response for each cost more than a small function itself (`npm run bench http`).
   */
  readonly serve: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean
  /** Puts other functions and routes in the place of the present ones; what runs is not touched. */
  readonly update: (functions: HostedFunctions) => void
}

/** The gateway of a lane. */
export function createGateway(options: GatewayOptions): Gateway {
  const { inFlight, invocations, dev, tools } = options
  let { functions } = options
  let routes = new Routes(functions)
  let { useHosts } = routes
  const closing = () => inFlight.draining
  const serve = async (match: Match, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const invocation = new Invocation(match.target.settings.name, invocations, dev ? aboutOf(incoming) : undefined)
    inFlight.enter(invocation)
    try {
      await serveHttp({ match, invocation, incoming, outgoing, timing: dev, closing })
    } catch (error) {
      answerError({ incoming, outgoing }, toError(error), invocation.requestId, options)
    } finally {
      inFlight.leave(invocation)
    }
  }
  return {
    app: createApp(options, () => functions),
    serve(incoming, outgoing) {
      const match = routes.match(incoming.url ?? '/', useHosts ? incoming.headers.host : undefined)
      if (match === undefined) return false
      tools?.seen(incoming)
      void serve(match, incoming, outgoing)
      return true
    },
    update(next) {
      functions = next
      routes = new Routes(next)
      ;({ useHosts } = routes)
    },
  }
}

function createApp(options: GatewayOptions, functions: () => HostedFunctions): Hono<GatewayEnv> {
  const { dev, tools } = options
  const app = new Hono<GatewayEnv>()

  app.get('/_ampoule/health', async (c) => {
    c.header(REQUEST_ID_HEADER, randomUUID())
    if (options.inFlight.draining) return c.json({ status: 'draining' }, 503)
    const trouble = await options.trouble?.()
    // Functions can still be asked over HTTP.
    return c.json(trouble === undefined ? { status: 'ok' } : { status: 'degraded', trouble })
  })

  if (dev) {
    app.get('/', (c) => {
      c.header(REQUEST_ID_HEADER, randomUUID())
      c.header('vary', 'accept')
      const list = listFunctions(functions())
      return c.req.header('accept')?.includes('text/html') === true ? c.html(indexPage(list)) : c.json({ functions: list })
    })
  }

  if (dev) tools?.register(app, functions)

  app.notFound((c) => {
    const path = c.env.incoming.url ?? '/'
    const name = /^\/([^/?#]*)/.exec(path)?.[1] ?? ''
    const suggestion = dev ? nearest(name, functions().keys()) : undefined
    const message = `no function is at this path${suggestion === undefined ? '' : `; did you mean "/${suggestion}"?`}`
    answerError(c.env, new AmpouleError('FunctionNotFound', message), randomUUID(), options)
    return RESPONSE_ALREADY_SENT
  })

  app.onError((error, c) => {
    answerError(c.env, toError(error), randomUUID(), options)
    return RESPONSE_ALREADY_SENT
  })
  return app
}
