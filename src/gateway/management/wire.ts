import { LambdaError } from '../../functions/lambda-error.ts'
import { shapeOf, type Member, type OperationModel } from './model/model.ts'
import { validate } from './validate.ts'

/** A request to an operation, before anything of it was checked. */
export interface WireRequest {
  /** Members that are in the path, decoded. */
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly body: Uint8Array
}

/** The operation's input of all parts of a request, checked. Throws a `LambdaError`. */
export function readInput({ input }: OperationModel, request: WireRequest): object {
  if (input === undefined) return {}
  const { members = {}, payload } = shapeOf(input)
  const values: Record<string, unknown> = {}
  const inBody = Object.values(members).some(({ location }) => location === undefined)
  if (payload === undefined && inBody) Object.assign(values, parseBody(request.body))
  for (const [name, member] of Object.entries(members)) {
    const text = textOf(member, request)
    if (member.location !== undefined) {
      // The body cannot say what belongs elsewhere.
      delete values[name]
      if (text !== undefined) values[name] = fromText(text, member)
    }
  }
  if (payload !== undefined) values[payload] = Buffer.from(request.body).toString('base64')
  return validate(values, input) as object
}

function parseBody(body: Uint8Array): object {
  if (body.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw new LambdaError('InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new LambdaError('InvalidRequestContentException', 'Could not parse request body into json: it must be an object')
}

function textOf(
  { location, locationName = '' }: Member,
  { path, query, headers }: WireRequest,
): string | readonly string[] | undefined {
  switch (location) {
    case 'uri':
      return path[locationName]
    case 'querystring': {
      const all = query.getAll(locationName)
      return all.length > 1 ? all : all[0]
    }
    case 'header':
      return headers.get(locationName) ?? undefined
    case 'headers':
    case 'statusCode':
    case undefined:
      return undefined
    default:
      return location satisfies never
  }
}

/** Text as the JSON value that it stands for. What is none stays text, which `validate` then refuses. */
function fromText(text: string | readonly string[], { shape }: Member): unknown {
  const { type } = shapeOf(shape)
  if (type === 'list') return typeof text === 'string' ? [text] : text
  const one = typeof text === 'string' ? text : text[0]
  if (one === undefined || one === '') return type === 'string' ? one : undefined
  if (type === 'integer' || type === 'long' || type === 'double') return Number.isNaN(Number(one)) ? one : Number(one)
  if (type === 'boolean') return one === 'true' ? true : one === 'false' ? false : one
  return one
}

/** An operation's answer. */
export function writeOutput({ output, status }: OperationModel, value: object | undefined): Response {
  const headers = new Headers()
  if (output === undefined || status === 204) return new Response(null, { status })
  const { members = {} } = shapeOf(output)
  const body: Record<string, unknown> = {}
  let answered = status
  for (const [name, own] of Object.entries(value ?? {})) {
    if (own === undefined) continue
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (member === undefined) throw new Error(`${output} has no member ${name}`)
    if (member.location === 'header') headers.set(member.locationName ?? name, String(own))
    else if (member.location === 'statusCode') answered = Number(own)
    else body[name] = toJson(own)
  }
  return answered === 204 ? new Response(null, { status: answered, headers }) : Response.json(body, { status: answered, headers })
}

/** As it is on the wire: times as seconds, bytes in base64. */
export function toJson(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, toJson(own)]))
}

/** An error in the form that every AWS SDK reads. */
export function writeError({ type, status, message, members }: LambdaError): Response {
  const fault = status >= 500 ? 'Service' : 'User'
  return Response.json(
    { __type: type, Type: fault, message, Message: message, ...members },
    { status, headers: { 'x-amzn-errortype': type } },
  )
}
