import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ManagedRoute, Question } from '../control/lane-protocol.ts'
import type { LaneSupervisor } from '../engine/contract.ts'
import type { FunctionName } from '../functions/name.ts'
import { parseRoute } from '../functions/route.ts'
import { Invocation, type InvocationOptions } from '../invoke/invocation.ts'
import { serveHttp } from '../triggers/http.ts'
import { answerError, toError } from './errors-answer.ts'
import type { InFlight } from './in-flight.ts'
import { hosted, recorded, resolve, type Resolving } from './management/target.ts'
import { RouteTable, type RouteMatch } from './routes.ts'

export interface ManagedRoutesOptions extends Resolving {
  /** Those that there are when the lane starts. */
  readonly routes: readonly ManagedRoute[]
  readonly supervisor: LaneSupervisor
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
}

/** The routes of functions that are managed through the API, after everything that the configuration declares. */
export class ManagedRoutes {
  readonly #options: ManagedRoutesOptions
  #table: RouteTable<string>
  /** Counted up when they change: an answer that was on its way meanwhile may be out of date. */
  #generation = 0

  constructor(options: ManagedRoutesOptions) {
    this.#options = options
    this.#table = tableOf(options.routes)
  }

  /** False: there is no such route. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const match = this.#table.match(incoming.url ?? '/', this.#table.useHosts ? incoming.headers.host : undefined)
    if (match === undefined) return false
    void this.#serve(match, incoming, outgoing)
    return true
  }

  told(routes: readonly ManagedRoute[]): void {
    this.#generation++
    this.#table = tableOf(routes)
  }

  /** Asks for them. Keeps what it has when it cannot be told. */
  async refresh(): Promise<void> {
    const generation = ++this.#generation
    const question: Question = { kind: 'routes' }
    const routes = (await this.#options.supervisor.ask(question).catch(() => undefined)) as readonly ManagedRoute[] | undefined
    if (routes !== undefined && generation === this.#generation) this.#table = tableOf(routes)
  }

  async #serve(match: RouteMatch<string>, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { inFlight, invocations, logs } = this.#options
    let invocation: Invocation | undefined
    try {
      const { target } = await resolve({ name: match.target as FunctionName, qualifier: undefined }, this.#options)
      invocation = new Invocation(match.target, recorded(target, invocations, logs))
      inFlight.enter(invocation)
      const to = { ...match, target: hosted(target, this.#options) }
      await serveHttp({ match: to, invocation, incoming, outgoing, timing: false, closing: () => inFlight.draining })
    } catch (error) {
      const { requestId } = invocation ?? new Invocation(match.target, invocations)
      answerError({ incoming, outgoing }, toError(error), requestId, { dev: false, inFlight })
    } finally {
      if (invocation !== undefined) inFlight.leave(invocation)
    }
  }
}

function tableOf(routes: readonly ManagedRoute[]): RouteTable<string> {
  const table = new RouteTable<string>()
  for (const { route, name } of routes) table.add(parseRoute(route), name)
  return table
}
