import { LambdaError } from '../../functions/lambda-error.ts'

/** CloudEvents 1.0.2: a value with its attributes, as the JSON format has it. */
export type CloudEvent = Readonly<Record<string, unknown>>

/** Of a batch. */
export const MOST_EVENTS = 100
const REQUIRED = ['specversion', 'id', 'source', 'type']
/** CloudEvents, "Naming conventions"; these of the JSON format are no attributes. */
const ATTRIBUTE = /^[a-z0-9]{1,64}$/
const DATA: ReadonlySet<string> = new Set(['data', 'data_base64'])
/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/**
 * The events of a request in the structured, batched or binary mode (CloudEvents, "HTTP Protocol Binding", 1.0.2). Throws
 * `InvalidRequestContentException`, or `UnsupportedMediaTypeException`, with what is wrong and where.
 */
export function readCloudEvents(headers: Headers, body: Uint8Array): readonly CloudEvent[] {
  const type = mediaType(headers.get('content-type') ?? '')
  if (type === 'application/cloudevents+json') return [check(readJson(body), 'The event')]
  if (type === 'application/cloudevents-batch+json') {
    const list = readJson(body)
    if (!Array.isArray(list)) throw invalid('A batch must be a JSON array of events.')
    if (list.length > MOST_EVENTS)
      throw invalid(`The batch has ${list.length} events, the limit is ${MOST_EVENTS}: send them in several requests.`)
    return list.map((one, index) => check(one, `Event ${index} of the batch`))
  }
  if (type.startsWith('application/cloudevents'))
    throw new LambdaError(
      'UnsupportedMediaTypeException',
      `The content type ${type.slice(0, 100)} is not supported: of CloudEvents' formats there is JSON (application/cloudevents+json, application/cloudevents-batch+json)`,
    )
  if (!headers.has('ce-specversion'))
    throw invalid(
      'The request is no CloudEvent: it needs the content type application/cloudevents+json, or the headers ce-specversion, ce-id, ce-source and ce-type.',
    )
  return [check(readBinary(headers, type, body), 'The event')]
}

function readBinary(headers: Headers, type: string, body: Uint8Array): CloudEvent {
  const attributes = [...headers].flatMap(([name, value]) =>
    name.startsWith('ce-') ? [[name.slice('ce-'.length), decode(name, value)] as const] : [],
  )
  const reserved = attributes.find(([name]) => DATA.has(name))
  if (reserved !== undefined) throw invalid(`The header ce-${reserved[0]} is no attribute of an event.`)
  const content = headers.get('content-type')
  return {
    ...Object.fromEntries(attributes),
    ...(content !== null && { datacontenttype: content }),
    ...(body.length > 0 && readData(type, body)),
  }
}

function readData(type: string, body: Uint8Array): { readonly data: unknown } | { readonly data_base64: string } {
  if (type === 'application/json' || type === 'text/json' || type.endsWith('+json')) return { data: readJson(body) }
  if (type.startsWith('text/') || type.endsWith('/xml') || type.endsWith('+xml'))
    try {
      return { data: new TextDecoder('utf-8', { fatal: true }).decode(body) }
    } catch {
      // Of another character set: its bytes.
    }
  return { data_base64: Buffer.from(body).toString('base64') }
}

function check(value: unknown, place: string): CloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${place} must be a JSON object.`)
  const event = value as Record<string, unknown>
  for (const name of REQUIRED)
    if (typeof event[name] !== 'string' || event[name] === '')
      throw invalid(`${place} has no ${name}: it must be a string that is not empty.`)
  if (event['specversion'] !== '1.0')
    throw invalid(`${place} has the specversion ${quoted(event['specversion'])}: it must be "1.0".`)
  for (const [name, own] of Object.entries(event)) {
    if (DATA.has(name)) continue
    if (!ATTRIBUTE.test(name))
      throw invalid(`${place} has the attribute ${quoted(name)}: names of attributes are lower-case letters and digits.`)
    // A null stands for an attribute that is not there.
    if (own !== null && typeof own !== 'string' && typeof own !== 'boolean' && !Number.isInteger(own))
      throw invalid(`${place}: the attribute ${name} must be a string, an integer or a boolean.`)
  }
  const { time, data_base64: base64 } = event
  if (time !== undefined && time !== null && !(typeof time === 'string' && TIME.test(time) && !Number.isNaN(Date.parse(time))))
    throw invalid(`${place} has the time ${quoted(time)}: it must be like "2026-01-31T06:00:00Z".`)
  if (base64 !== undefined && event['data'] !== undefined) throw invalid(`${place} has both data and data_base64.`)
  if (base64 !== undefined && !(typeof base64 === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(base64)))
    throw invalid(`${place}: data_base64 is not base64.`)
  return event
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw invalid(`The body is not JSON: ${(error as Error).message}`)
  }
}

/** Percent-encoded, as headers have no other characters than those of ASCII. */
function decode(name: string, value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    throw invalid(`The header ${name} is not percent-encoded: ${quoted(value)}`)
  }
}

const mediaType = (contentType: string): string => (contentType.split(';')[0] ?? '').trim().toLowerCase()

const quoted = (value: unknown): string => JSON.stringify(value).slice(0, 100)

const invalid = (message: string): LambdaError => new LambdaError('InvalidRequestContentException', message)
