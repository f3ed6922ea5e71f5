import type { FunctionDefinition } from '../functions/definition.ts'
import { conflict } from '../functions/lambda-error.ts'
import type { FunctionSettings } from '../functions/settings.ts'
import { formatRoute } from '../functions/route.ts'
import type { Store, Transaction } from '../store/contract.ts'
import type { ManagedRoute, Told } from './lane-protocol.ts'
import type { Lanes } from './residence.ts'

/** Which requests on the port of the functions go to functions of the API. */
export class Routing {
  readonly #store: Pick<Store, 'list'>
  readonly #lanes: Pick<Lanes, 'tell'>
  /** What functions of `ampoule.jsonc` have, and whose it is. */
  readonly #declared: ReadonlyMap<string, string>
  #told: Promise<void> = Promise.resolve()

  constructor(store: Pick<Store, 'list'>, lanes: Pick<Lanes, 'tell'>, declared: ReadonlyMap<string, string>) {
    this.#store = store
    this.#lanes = lanes
    this.#declared = declared
  }

  /** Gives a function the routes of its definition in the place of those that it had. Throws `ResourceConflictException` for those of others. */
  async claim(
    name: string,
    had: Pick<FunctionDefinition, 'routes'>,
    wanted: Pick<FunctionDefinition, 'routes'>,
    tx: Transaction,
  ): Promise<void> {
    const routes = wanted.routes ?? []
    for (const route of had.routes ?? []) if (!routes.includes(route)) tx.delete('routes', { route })
    for (const route of routes) {
      const declared = this.#declared.get(route)
      if (declared !== undefined)
        throw conflict(`The route ${route} goes to the function ${declared}, which this host's ampoule.jsonc declares`)
      const found = await tx.get('routes', [route])
      if (found !== undefined && found.name !== name) throw conflict(`The route ${route} goes to the function ${found.name}`)
      if (found === undefined) tx.put('routes', { route, name })
    }
  }

  list(): Promise<readonly ManagedRoute[]> {
    return this.#store.list('routes')
  }

  /** Tells the lanes what the routes are now; they go by them when this resolves. */
  changed(): Promise<void> {
    // In turn: what was read first must not be told last.
    const told = this.#told.then(async () => this.#lanes.tell({ routes: await this.list() } satisfies Told))
    this.#told = told.catch(() => undefined)
    return told
  }
}

/** The routes of functions of the configuration, with those that their names are, and whose they are. */
export const declaredRoutes = (functions: readonly FunctionSettings[]): ReadonlyMap<string, string> =>
  new Map(functions.flatMap(({ name, routes }) => [`/${name}/*`, ...routes.map(formatRoute)].map((route) => [route, name])))
