import { bytesFromBase64, bytesToBase64 } from './bytes.ts'
import { describe } from './errors.ts'
import type { HttpAnswer, HttpEvent, Text } from './function.ts'
import type { APIGatewayProxyEventV2 } from '../types/lambda.ts'

/** Without a request, in the order in which API Gateway has the keys. */
const blank = (): Blank => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: '',
  rawQueryString: '',
  headers: {},
  requestContext: {
    accountId: 'anonymous',
    apiId: '',
    domainName: '',
    http: { method: '', path: '', protocol: 'HTTP/1.1', sourceIp: '', userAgent: '' },
    requestId: '',
    routeKey: '$default',
    stage: '$default',
    time: '',
    timeEpoch: 0,
  },
  isBase64Encoded: false,
})

/** Made before the snapshot, for the first invocation after it: to set fields is cheaper for an interpreter than to make them. */
let spare: Blank | undefined

export function keepApiGatewayEvent(): void {
  spare = blank()
}

/** An HTTP request as API Gateway gives it to a Lambda function (payload format 2.0). The host has taken URL and headers apart. */
export function toApiGatewayEvent(event: HttpEvent, text: Text): APIGatewayProxyEventV2 {
  const { headers, cookies, parameters, path, body } = event
  const result: Blank = spare ?? blank()
  spare = undefined
  result.rawPath = path
  result.rawQueryString = event.query
  result.headers = headers
  const context: Writable<APIGatewayProxyEventV2['requestContext']> = result.requestContext
  context.apiId = event.fn
  context.domainName = event.host
  context.requestId = event.id
  const now = event.now ?? Date.now()
  context.time = event.time ?? new Date(now).toISOString()
  context.timeEpoch = now
  const http: Writable<APIGatewayProxyEventV2['requestContext']['http']> = context.http
  http.method = event.method
  http.path = path
  const agent = headers['user-agent']
  if (agent !== undefined) http.userAgent = agent
  if (cookies !== undefined) result.cookies = cookies
  if (parameters !== undefined) result.queryStringParameters = parameters
  if (event.text !== undefined) result.body = event.text
  if (body === null) return result
  const content = event.ascii === true ? text.fromAscii(body) : text.fromUtf8(body)
  // Bytes that are no UTF-8 travel as base64, as API Gateway does with binary media types.
  result.isBase64Encoded = content === undefined
  result.body = content ?? bytesToBase64(body)
  return result
}

type Blank = Writable<APIGatewayProxyEventV2>

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A Lambda function's answer to API Gateway (payload format 2.0): a response object, or any value as a JSON body. */
export function fromLambdaResult(result: unknown): HttpAnswer {
  if (!isObject(result) || result.statusCode === undefined) {
    const body = typeof result === 'string' ? result : result === undefined ? '' : toJson(result)
    return { status: 200, headers: ['content-type', 'application/json'], body }
  }
  const { statusCode, headers, multiValueHeaders, cookies, body } = result
  const status = typeof statusCode === 'number' ? statusCode : Number(statusCode)
  if (Math.trunc(status) !== status || status < 200 || status > 599)
    throw new TypeError(`statusCode must be an integer from 200 to 599, not ${describe(statusCode)}`)
  const list: string[] = []
  // By index: iterators cost an interpreter several times as much.
  if (headers !== undefined && isObject(headers)) {
    const names = Object.keys(headers)
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const value = headers[name]
      list.push(name.toLowerCase(), typeof value === 'string' ? value : String(value))
    }
  }
  if (multiValueHeaders !== undefined && isObject(multiValueHeaders)) {
    for (const [name, values] of Object.entries(multiValueHeaders)) {
      if (Array.isArray(values)) for (const value of values) list.push(name.toLowerCase(), String(value))
    }
  }
  if (cookies !== undefined && Array.isArray(cookies)) for (const cookie of cookies) list.push('set-cookie', String(cookie))
  if (body === undefined || body === null) return { status, headers: list, body: null }
  const text = typeof body === 'string' ? body : toJson(body)
  return { status, headers: list, body: result.isBase64Encoded === true ? bytesFromBase64(text) : text }
}

/** What a handler returned, as JSON. Throws a `TypeError` that names what JSON cannot hold. */
export function toJson(value: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (error) {
    throw new TypeError(
      `handler(event, context) must return what JSON can hold, but returned ${describe(value)}: ${String(error)}`,
      {
        cause: error,
      },
    )
  }
  if (json === undefined)
    throw new TypeError(`handler(event, context) must return what JSON can hold, but returned ${describe(value)}`)
  return json
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
