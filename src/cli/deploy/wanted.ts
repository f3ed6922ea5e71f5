import { AmpouleError } from '../../errors.ts'
import { MIN_MEMORY_MB, type GivenSettings } from '../setting-options.ts'
import type { Configuration } from '../settle.ts'
import type { Packed } from './package.ts'
import type { Target } from './targets.ts'

/** What a function is to be, in the API's terms. What is missing stays as it is. */
export interface Wanted {
  readonly settings: Pick<GivenSettings, 'MemorySize' | 'Timeout' | 'Layers' | 'Description' | 'Role'> & {
    readonly Environment?: { readonly Variables: Record<string, string> }
  }
  /** Reserved concurrency. */
  readonly reserved: number | undefined
  /** Instances that an alias keeps ready. */
  readonly provisioned: number | undefined
  /** For the author: what of the configuration is otherwise, or nothing, on a host. */
  readonly notes: readonly string[]
}

/** Settings of the configuration that the API has no place for. */
const WITHOUT_EFFECT = ['fuel', 'idleMs', 'maxRequestBytes', 'maxResponseBytes', 'routes'] as const

/** `options` are those of the command line, which go before the configuration's; `now` is what the function is on the host. */
export function wantedOf(
  { settings, given }: Target,
  { variables, ...options }: GivenSettings,
  now: Configuration | undefined,
): Wanted {
  const { memoryMb, timeoutMs, environment, concurrency, minInstances } = settings
  const ofFile = given.size > 0
  const Timeout = Math.ceil(timeoutMs / 1000)
  const MemorySize = Math.max(memoryMb, MIN_MEMORY_MB)
  const lost = WITHOUT_EFFECT.filter((key) => given.has(key))
  const notes = [
    ...(lost.length > 0
      ? [`${lost.join(', ')} of the configuration ${lost.length === 1 ? 'has' : 'have'} no effect on a managed function`]
      : []),
    ...(Timeout * 1000 === timeoutMs
      ? []
      : [`timeoutMs ${timeoutMs} becomes ${Timeout} s: managed functions have whole seconds`]),
    ...(MemorySize === memoryMb ? [] : [`memoryMb ${memoryMb} becomes ${MemorySize}, the least that managed functions have`]),
  ]
  const Variables = { ...(ofFile ? Object.fromEntries(environment) : now?.Environment?.Variables), ...variables }
  return {
    settings: {
      // A file says all that there is to say, a path alone nothing.
      ...(ofFile && { MemorySize, Timeout }),
      ...((ofFile || variables !== undefined) && { Environment: { Variables } }),
      ...options,
    },
    reserved: given.has('concurrency') ? concurrency : undefined,
    provisioned: given.has('minInstances') && minInstances > 0 ? minInstances : undefined,
    notes,
  }
}

/** What of the settings differs from what the function has now: each with its words for people. */
export function changesOf(now: Configuration, { Runtime, Handler }: Pick<Packed, 'Runtime' | 'Handler'>, { settings }: Wanted) {
  requireSameKind(now, Runtime)
  const { MemorySize, Timeout, Environment, Layers, Description, Role } = settings
  const layers = (now.Layers ?? []).map(({ Arn }) => Arn)
  const changes: { readonly input: object; readonly words: string }[] = []
  const add = (differs: boolean, input: object, words: string): void => void (differs && changes.push({ input, words }))
  add(now.Handler !== Handler, { Handler }, `handler ${Handler}`)
  add(isOther(MemorySize, now.MemorySize), { MemorySize }, `memory ${now.MemorySize} → ${MemorySize} MB`)
  add(isOther(Timeout, now.Timeout), { Timeout }, `timeout ${now.Timeout} → ${Timeout} s`)
  add(isOther(sorted(Environment?.Variables), sorted(now.Environment?.Variables ?? {})), { Environment }, 'environment')
  add(isOther(Layers?.join(), layers.join()), { Layers }, 'layers')
  add(isOther(Description, now.Description), { Description }, 'description')
  add(isOther(Role, now.Role), { Role }, 'role')
  return { input: Object.assign({}, ...changes.map(({ input }) => input)) as object, words: changes.map(({ words }) => words) }
}

const isOther = <T>(wanted: T | undefined, now: T | undefined): boolean => wanted !== undefined && wanted !== now

const sorted = (variables: Readonly<Record<string, string>> | undefined): string | undefined =>
  variables && JSON.stringify(Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** The host checks a change of the runtime against the code that there is, and code against the runtime: the kind cannot change. */
function requireSameKind({ FunctionName, Runtime: now }: Configuration, wanted: string): void {
  if (now?.startsWith('nodejs') === wanted.startsWith('nodejs')) return
  throw new AmpouleError(
    'InvalidRequest',
    `${FunctionName} has the runtime ${now} and would need ${wanted}, to which it cannot change: deploy it under another name, or delete it first (ampoule function delete ${FunctionName})`,
  )
}
