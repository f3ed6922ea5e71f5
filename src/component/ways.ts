import { AmpouleError } from '../errors.ts'
import { quote } from './reader.ts'
import type { LiftedExport, LinkPlan } from './contract.ts'
import type { Entity, LiftedFunction } from './entities.ts'
import type { FunctionType, Type } from './types.ts'

/** What a component may export to be callable, for messages. */
const CALLABLE = 'handle: func(list<u8>) -> result<list<u8>, list<u8>> (event world), wasi:http/incoming-handler@0.2.x'

const HTTP = /^wasi:http\/incoming-handler@0\.2\.\d+$/
const COMMAND = /^wasi:cli\/run@/

interface Way {
  readonly key: keyof LinkPlan['exports']
  /** Of the export, or of the interface that holds it. */
  readonly matches: (name: string) => boolean
  /** The function inside the interface; undefined when the export itself is the function. */
  readonly member: string | undefined
  readonly type: string
  readonly accepts: (type: FunctionType) => boolean
}

const WAYS: readonly Way[] = [
  {
    key: 'event',
    matches: (name) => name === 'handle',
    member: undefined,
    type: 'func(list<u8>) -> result<list<u8>, list<u8>>',
    accepts: isBytesFunction,
  },
  {
    key: 'http',
    matches: (name) => HTTP.test(name),
    member: 'handle',
    type: 'func(incoming-request, response-outparam)',
    accepts: ({ params, result }) =>
      params.length === 2 &&
      isOwned(params[0], 'incoming-request') &&
      isOwned(params[1], 'response-outparam') &&
      result === undefined,
  },
]

function isBytesFunction({ params, result }: FunctionType): boolean {
  return params.length === 1 && isBytes(params[0]) && result?.kind === 'result' && isBytes(result.ok) && isBytes(result.error)
}

function isExchange({ params, result }: FunctionType): boolean {
  const [head, text, bytes] = params
  if (params.length !== 3 || !isString(head) || !isString(text) || !isBytes(bytes)) return false
  if (result?.kind !== 'result' || !isBytes(result.error) || result.ok?.kind !== 'record') return false
  const [strings, body] = result.ok.fields
  return result.ok.fields.length === 2 && strings?.kind === 'list' && isString(strings.element) && isBytes(body)
}

const isPrimitive = (type: Type | undefined, primitive: string): boolean =>
  type?.kind === 'primitive' && type.primitive === primitive

const isString = (type: Type | undefined): boolean => isPrimitive(type, 'string')

const isBytes = (type: Type | undefined): boolean => type?.kind === 'list' && isPrimitive(type.element, 'u8')

function isOwned(type: Type | undefined, name: string): boolean {
  return type?.kind === 'own' && type.resource.interface === 'wasi:http/types' && type.resource.name === name
}

/** Beside an `event`: what script engines of our own export (guest-sdk/wit). Another component's exports of these names are not the host's business. */
const BESIDE_EVENT: readonly Way[] = [
  {
    key: 'load',
    matches: (name) => name === 'load',
    member: undefined,
    type: 'func(list<u8>) -> result<list<u8>, list<u8>>',
    accepts: isBytesFunction,
  },
  {
    key: 'exchange',
    matches: (name) => name === 'exchange',
    member: undefined,
    type: 'func(string, string, list<u8>) -> result<tuple<list<string>, list<u8>>, list<u8>>',
    accepts: isExchange,
  },
]

/** Finds the exports that the engine can call. Throws `InvalidComponent` with what is there and what could be when there is none. */
export function findWays(exports: ReadonlyMap<string, Entity>): LinkPlan['exports'] {
  const found: { -readonly [Key in keyof LinkPlan['exports']]: LinkPlan['exports'][Key] } = {}
  const problems: string[] = []
  for (const [name, entity] of exports) {
    if (COMMAND.test(name)) problems.push(`${quote(name)} is a command, which no trigger calls`)
    for (const way of WAYS) {
      if (!way.matches(name)) continue
      const result = lifted(way, name, entity)
      if (typeof result === 'string') problems.push(result)
      else found[way.key] ??= result
    }
  }
  if (found.event !== undefined) {
    for (const way of BESIDE_EVENT) {
      const entity = exports.get(way.key)
      const result = entity === undefined ? undefined : lifted(way, way.key, entity)
      if (typeof result === 'object') found[way.key] = result
    }
  }
  if (found.event !== undefined || found.http !== undefined) return found
  const names = [...exports.keys()]
  const listed =
    names.length === 0
      ? 'nothing'
      : names.slice(0, 20).map(quote).join(', ') + (names.length > 20 ? ` and ${names.length - 20} more` : '')
  const reasons = problems.length === 0 ? '' : `; ${problems.join('; ')}`
  throw new AmpouleError(
    'InvalidComponent',
    `the component exports nothing that can be called: it exports ${listed}${reasons}. Callable are: ${CALLABLE}`,
  )
}

/** The export, or why it is not one. */
function lifted(way: Way, name: string, entity: Entity): LiftedExport | string {
  const inner = way.member === undefined ? entity : entity.sort === 'instance' ? entity.exports.get(way.member) : undefined
  const what = way.member === undefined ? quote(name) : `${quote(name)} ${quote(way.member)}`
  if (inner?.sort !== 'func') return `${what} is not a function`
  if (inner.func.kind !== 'lifted') return `${what} is an import passed on, not a function of the component`
  if (!way.accepts(inner.func.type)) return `${what} is not of type ${way.type}`
  if (inner.func.refused !== undefined) return `${what}: ${inner.func.refused}`
  return exported(inner.func)
}

function exported({ func, memory, realloc, postReturn }: LiftedFunction): LiftedExport {
  return { func, memory, realloc, postReturn }
}
