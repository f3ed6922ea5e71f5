import { shapeOf, type OperationModel } from '../../gateway/management/model/model.ts'
import { toJson } from '../../gateway/management/wire.ts'

/** A request of an operation, before it is signed. */
export interface BoundRequest {
  readonly method: string
  /** Percent-encoded. */
  readonly path: string
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The request that the service model makes of an operation's input: what `readInput` (src/gateway/management/wire.ts) reads. */
export function bindInput({ method, path, input }: OperationModel, values: object): BoundRequest {
  const { members = {}, payload } = input === undefined ? {} : shapeOf(input)
  let bound = path
  const query: [string, string][] = []
  const headers: Record<string, string> = {}
  const inBody: Record<string, unknown> = {}
  let body: Uint8Array | undefined
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (member === undefined) throw new Error(`${input} has no member ${name}`)
    const { location, locationName = name } = member
    if (name === payload) body = value as Uint8Array
    else if (location === 'uri') bound = bound.replace(`{${locationName}}`, encode(String(value)))
    else if (location === 'querystring')
      for (const one of Array.isArray(value) ? value : [value]) query.push([locationName, String(one)])
    else if (location === 'header') headers[locationName.toLowerCase()] = String(value)
    else inBody[name] = toJson(value)
  }
  if (body === undefined) body = Buffer.from(Object.keys(inBody).length === 0 ? '' : JSON.stringify(inBody))
  if (body.length > 0) headers['content-type'] = payload === undefined ? 'application/json' : 'application/octet-stream'
  return { method, path: bound, query, headers, body }
}

/** As signatures have it (RFC 3986): `encodeURIComponent` leaves five characters more. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

export interface ReceivedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/** The output of a successful answer, in the form that the SDK's types have. Throws a `SyntaxError` for a body that is not JSON. */
export function readOutput({ output }: OperationModel, { status, headers, body }: ReceivedAnswer): object {
  if (output === undefined) return {}
  const { members = {}, payload } = shapeOf(output)
  const text = payload === undefined && body.length > 0 ? Buffer.from(body).toString('utf8') : '{}'
  const values = fromJson(JSON.parse(text), output) as Record<string, unknown>
  for (const [name, { location, locationName = name }] of Object.entries(members)) {
    if (name === payload) values[name] = body
    else if (location === 'statusCode') values[name] = status
    else if (location === 'header' && headers[locationName.toLowerCase()] !== undefined)
      values[name] = headers[locationName.toLowerCase()]
  }
  return values
}

/** Only times have another form in JSON than in the SDK's types; what the model does not know stays as it is. */
function fromJson(value: unknown, name: string): unknown {
  const shape = shapeOf(name)
  if (shape.type === 'timestamp' && typeof value === 'number') return new Date(value * 1000)
  if (shape.type === 'list' && Array.isArray(value)) return value.map((one) => fromJson(one, shape.member ?? ''))
  if (shape.type !== 'structure' || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, own]) => {
      const member = Object.hasOwn(shape.members ?? {}, key) ? shape.members?.[key] : undefined
      return [key, member === undefined || own === null ? own : fromJson(own, member.shape)]
    }),
  )
}
