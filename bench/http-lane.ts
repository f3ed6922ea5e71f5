import { Hono } from 'hono'
import type { HttpBindings } from '@hono/node-server'
import type { LaneProgram } from '../src/engine/contract.ts'
import { createGateway } from '../src/gateway/gateway.ts'
import { InFlight } from '../src/gateway/in-flight.ts'
import { listen } from '../src/gateway/listen.ts'
import { hostFunctions, type LaneProgramData } from '../src/lane.ts'

/** A lane as the host's own, with one route more: a handler without a sandbox that gives the same answer as the guests. */
export const startLane: LaneProgram = async (data, runners) => {
  const { functions } = data.program as LaneProgramData
  const inFlight = new InFlight()
  const gateway = createGateway({
    functions: hostFunctions(functions, runners, () => Promise.resolve()),
    dev: false,
    inFlight,
    invocations: { observe: () => {}, reports: 'failures', now: Date.now },
  })
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.post('/native', async (c) => c.body(await c.req.arrayBuffer(), 200, { 'content-type': 'application/json' }))
  app.route('/', gateway.app)
  const listener = await listen({ ...gateway, app }, { host: data.host, port: data.port, reusePort: data.reusePort, inFlight })
  return { port: listener.port, stop: (graceMs) => listener.stop(graceMs) }
}
