import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AmpouleError } from '../errors.ts'
import { errorAnswer } from '../gateway/errors.ts'
import type { GatewayTools } from '../gateway/gateway.ts'
import type { InFlight } from '../gateway/in-flight.ts'
import type { InvocationOptions } from '../invoke/invocation.ts'
import { REQUEST_ID_HEADER } from '../triggers/http-headers.ts'
import { DEV_PATH, mayUseTools } from './access.ts'
import { LastRequest } from './last-request.ts'
import { readTriggerRequest, runTrigger } from './triggers.ts'

export interface DevToolsOptions {
  /** Where this lane listens. */
  readonly host: string
  readonly port: number
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
}

/** The tools of development in a lane: what `ampoule dev` and its commands ask for. */
export function createDevTools({ host, port, inFlight, invocations }: DevToolsOptions): GatewayTools {
  const last = new LastRequest()
  return {
    seen: (incoming: IncomingMessage) => last.keep(incoming),
    register(app, functions) {
      app.use(`${DEV_PATH}/*`, async (c, next) => {
        if (mayUseTools(c.env.incoming)) return await next()
        c.header(REQUEST_ID_HEADER, randomUUID())
        return c.json({ code: 'InvalidRequest', message: 'the tools of development answer to this machine only' }, 403)
      })
      app.post(`${DEV_PATH}/again`, async (c) => {
        const repeated = await last.repeat(host, port)
        return typeof repeated === 'string' ? c.json({ message: repeated }, 409) : c.json(repeated)
      })
      app.post(`${DEV_PATH}/trigger`, async (c) => {
        try {
          const request = readTriggerRequest(await c.req.json().catch(() => undefined))
          return c.json({ answer: await runTrigger(request, { functions, inFlight, invocations }) })
        } catch (error) {
          if (!(error instanceof AmpouleError)) throw error
          const { status, body } = errorAnswer(error, { requestId: randomUUID(), dev: true })
          return Response.json(body, { status })
        }
      })
    },
  }
}
