import type { Variables } from './environment.ts'
import { invalidParameter } from './lambda-error.ts'
import { formatRoute, parseRoute } from './route.ts'
import { FUNCTION_FIELDS, queuesOf } from './settings.ts'

/** What functions have here beside AWS Lambda's settings. */
export interface OwnSettings {
  /** Units of fuel for one invocation. Undefined: about twice what the timeout allows. */
  readonly fuel?: number | undefined
  /** Requests that go to `$LATEST`, as `ampoule.jsonc` writes them. Undefined: none. */
  readonly routes?: readonly string[] | undefined
  /** Queues of the host that the function may send to. Undefined: none. */
  readonly sends?: readonly string[] | undefined
}

/** The fields of the same meaning, as requests have them. */
export interface OwnFields {
  readonly Fuel?: number | undefined
  readonly Routes?: readonly string[] | undefined
  readonly Sends?: readonly string[] | undefined
}

/** Environment variables that say the same, for clients that can send no other fields than Lambda's. */
const FUEL = 'AMPOULE_FUEL'
const ROUTES = 'AMPOULE_ROUTES'
const SENDS = 'AMPOULE_SENDS'
const NAMES: ReadonlySet<string> = new Set([FUEL, ROUTES, SENDS])
const PREFIX = 'AMPOULE_'

/** Routes of one function; each is looked up in the store when it is claimed. */
const MAX_ROUTES = 20
const MAX_SENDS = 100

/** Throws `InvalidParameterValueException`. `Fuel: 0`, no routes and no queues are back to the default. */
export function changeOwnSettings(own: OwnSettings, { Fuel, Routes, Sends }: OwnFields): OwnSettings {
  return {
    fuel: Fuel === undefined ? own.fuel : Fuel === 0 ? undefined : checkFuel(Fuel, 'Fuel'),
    routes: Routes === undefined ? own.routes : checkRoutes(Routes, 'Routes'),
    sends: Sends === undefined ? own.sends : checkSends(Sends, 'Sends'),
  }
}

/** What variables say. Throws `InvalidParameterValueException`, also for a name that has no meaning. */
export function ownSettingsOf(variables: Variables): OwnSettings {
  const unknown = Object.keys(variables).find((name) => name.startsWith(PREFIX) && !NAMES.has(name))
  if (unknown !== undefined)
    throw invalidParameter(
      `The environment variable ${unknown} is not supported: names that begin with ${PREFIX} are settings, and there are ${[...NAMES].join(', ')}`,
    )
  const [fuel, routes, sends] = [variables[FUEL], variables[ROUTES], variables[SENDS]]
  return {
    fuel: fuel === undefined ? undefined : checkFuel(/^\d+$/.test(fuel) ? Number(fuel) : NaN, FUEL),
    routes:
      routes === undefined
        ? undefined
        : checkRoutes(
            routes.split(/\s+/).filter((text) => text !== ''),
            ROUTES,
          ),
    sends: sends === undefined ? undefined : checkSends(queuesOf(sends), SENDS),
  }
}

/** Throws `InvalidParameterValueException` when both say something: which of them counts would not be plain. */
export function mergeOwnSettings(fields: OwnSettings, variables: OwnSettings): OwnSettings {
  if (fields.fuel !== undefined && variables.fuel !== undefined) throw twice('Fuel', FUEL)
  if (fields.routes !== undefined && variables.routes !== undefined) throw twice('Routes', ROUTES)
  if (fields.sends !== undefined && variables.sends !== undefined) throw twice('Sends', SENDS)
  return {
    fuel: fields.fuel ?? variables.fuel,
    routes: fields.routes ?? variables.routes,
    sends: fields.sends ?? variables.sends,
  }
}

const twice = (field: string, variable: string): Error =>
  invalidParameter(`The function has both ${field} and the environment variable ${variable}: leave one of them out`)

function checkFuel(fuel: number, name: string): number {
  const { min, max } = FUNCTION_FIELDS.fuel
  if (Number.isInteger(fuel) && fuel >= min && fuel <= max) return fuel
  throw invalidParameter(`The value of ${name} is not supported: it must be an integer from ${min} to ${max}`)
}

function checkSends(given: readonly string[], name: string): readonly string[] | undefined {
  if (given.length > MAX_SENDS) throw invalidParameter(`${name} has ${given.length} queues, the limit is ${MAX_SENDS}`)
  const wrong = given.find((queue) => !/^[\w-]{1,80}(?:\.fifo)?$/.test(queue))
  if (wrong !== undefined) throw invalidParameter(`${JSON.stringify(wrong.slice(0, 100))} in ${name} is no name of a queue`)
  return given.length === 0 ? undefined : [...new Set(given)]
}

function checkRoutes(given: readonly string[], name: string): readonly string[] | undefined {
  if (given.length > MAX_ROUTES) throw invalidParameter(`${name} has ${given.length} routes, the limit is ${MAX_ROUTES}`)
  const routes = given.map((text) => {
    try {
      return formatRoute(parseRoute(text))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw invalidParameter(`The route ${JSON.stringify(text)} in ${name} is not supported: ${error.message}`)
    }
  })
  return routes.length === 0 ? undefined : [...new Set(routes)]
}
