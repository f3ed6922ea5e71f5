import type { Context, HttpAnswer, HttpEvent } from './function.ts'
import { bytesFromBase64, bytesToBase64, utf8Decode } from './bytes.ts'

/** API Gateway's HTTP API event, payload format 2.0, as far as it has a meaning here. */
export interface ApiGatewayEvent {
  readonly version: '2.0'
  readonly routeKey: '$default'
  readonly rawPath: string
  readonly rawQueryString: string
  readonly cookies?: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly accountId: string
    readonly apiId: string
    readonly domainName: string
    readonly http: {
      readonly method: string
      readonly path: string
      readonly protocol: string
      readonly sourceIp: string
      readonly userAgent: string
    }
    readonly requestId: string
    readonly routeKey: '$default'
    readonly stage: '$default'
    readonly time: string
    readonly timeEpoch: number
  }
  readonly body?: string
  readonly isBase64Encoded: boolean
}

/** An HTTP request as API Gateway gives it to a Lambda function (payload format 2.0): duplicates joined by commas, cookies apart. */
export function toApiGatewayEvent(event: HttpEvent, context: Context, now: number): ApiGatewayEvent {
  const url = splitUrl(event.url)
  const headers: Record<string, string> = emptyRecord()
  const cookies: string[] = []
  for (const [name, value] of event.headers) {
    if (name === 'cookie') cookies.push(...value.split(/;\s*/).filter((cookie) => cookie !== ''))
    else headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`
  }
  const query = parseQuery(url.query)
  const text = event.body === null ? undefined : utf8Decode(event.body)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.path,
    rawQueryString: url.query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(query !== undefined && { queryStringParameters: query }),
    requestContext: {
      accountId: 'anonymous',
      apiId: event.fn,
      domainName: url.host,
      http: { method: event.method, path: url.path, protocol: 'HTTP/1.1', sourceIp: '', userAgent: headers['user-agent'] ?? '' },
      requestId: context.awsRequestId,
      routeKey: '$default',
      stage: '$default',
      time: new Date(now).toISOString(),
      timeEpoch: now,
    },
    // Bytes that are no UTF-8 travel as base64, as API Gateway does with binary media types.
    ...(event.body !== null && { body: text ?? bytesToBase64(event.body) }),
    isBase64Encoded: event.body !== null && text === undefined,
  }
}

/** A Lambda function's answer to API Gateway (payload format 2.0): a response object, or any value as a JSON body. */
export function fromLambdaResult(result: unknown): HttpAnswer {
  if (!isObject(result) || result.statusCode === undefined) {
    const body = typeof result === 'string' ? result : result === undefined ? '' : JSON.stringify(result)
    return { status: 200, headers: [['content-type', 'application/json']], body: body ?? '' }
  }
  const status = Number(result.statusCode)
  if (!Number.isInteger(status)) throw new TypeError(`statusCode must be an integer, not ${JSON.stringify(result.statusCode)}`)
  const headers: [string, string][] = []
  if (isObject(result.headers))
    for (const [name, value] of Object.entries(result.headers)) headers.push([name.toLowerCase(), String(value)])
  if (isObject(result.multiValueHeaders)) {
    for (const [name, values] of Object.entries(result.multiValueHeaders)) {
      if (Array.isArray(values)) for (const value of values) headers.push([name.toLowerCase(), String(value)])
    }
  }
  if (Array.isArray(result.cookies)) for (const cookie of result.cookies) headers.push(['set-cookie', String(cookie)])
  if (result.body === undefined || result.body === null) return { status, headers, body: null }
  const body = typeof result.body === 'string' ? result.body : JSON.stringify(result.body)
  return { status, headers, body: result.isBase64Encoded === true ? bytesFromBase64(body) : body }
}

/** Without a prototype: a header or parameter may be called `__proto__`. */
function emptyRecord(): Record<string, string> {
  const record: Record<string, string> = {}
  Object.setPrototypeOf(record, null)
  return record
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** QuickJS has no URL; the host sends absolute, already serialised URLs (RFC 3986), so their parts can be cut out. */
function splitUrl(url: string): { host: string; path: string; query: string } {
  const parts = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i.exec(url)
  return { host: parts?.[1] ?? '', path: parts?.[2] || '/', query: parts?.[3] ?? '' }
}

function parseQuery(query: string): Record<string, string> | undefined {
  if (query === '') return undefined
  const parameters: Record<string, string> = emptyRecord()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeQueryPart(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decodeQueryPart(pair.slice(equals + 1))
    parameters[name] = parameters[name] === undefined ? value : `${parameters[name]},${value}`
  }
  return parameters
}

function decodeQueryPart(part: string): string {
  const spaced = part.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
