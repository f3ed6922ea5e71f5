import { bytesFromBase64, bytesToBase64 } from './bytes.ts'
import { describe } from './errors.ts'
import type { HttpAnswer, HttpEvent, Text } from './function.ts'
import type { APIGatewayProxyEventV2 } from '../types/lambda.ts'

/** An HTTP request as API Gateway gives it to a Lambda function (payload format 2.0). The host has taken URL and headers apart. */
export function toApiGatewayEvent(event: HttpEvent, now: number, text: Text): APIGatewayProxyEventV2 {
  const { headers, cookies, parameters, path, query, body } = event
  const result: Writable<APIGatewayProxyEventV2> = {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers,
    requestContext: {
      accountId: 'anonymous',
      apiId: event.fn,
      domainName: event.host,
      http: { method: event.method, path, protocol: 'HTTP/1.1', sourceIp: '', userAgent: headers['user-agent'] ?? '' },
      requestId: event.id,
      routeKey: '$default',
      stage: '$default',
      time: new Date(now).toISOString(),
      timeEpoch: now,
    },
    isBase64Encoded: false,
  }
  if (cookies !== undefined) result.cookies = cookies
  if (parameters !== undefined) result.queryStringParameters = parameters
  if (body === null) return result
  const content = event.ascii === true ? text.fromAscii(body) : text.fromUtf8(body)
  // Bytes that are no UTF-8 travel as base64, as API Gateway does with binary media types.
  result.isBase64Encoded = content === undefined
  result.body = content ?? bytesToBase64(body)
  return result
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A Lambda function's answer to API Gateway (payload format 2.0): a response object, or any value as a JSON body. */
export function fromLambdaResult(result: unknown): HttpAnswer {
  if (!isObject(result) || result.statusCode === undefined) {
    const body = typeof result === 'string' ? result : result === undefined ? '' : toJson(result)
    return { status: 200, headers: [['content-type', 'application/json']], body }
  }
  const status = Number(result.statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new TypeError(`statusCode must be an integer from 200 to 599, not ${describe(result.statusCode)}`)
  const headers: [string, string][] = []
  // By index: iterators cost an interpreter several times as much.
  if (isObject(result.headers)) {
    const names = Object.keys(result.headers)
    for (let i = 0; i < names.length; i++) addHeader(headers, names[i], result.headers)
  }
  if (isObject(result.multiValueHeaders)) {
    for (const [name, values] of Object.entries(result.multiValueHeaders)) {
      if (Array.isArray(values)) for (const value of values) headers.push([name.toLowerCase(), String(value)])
    }
  }
  if (Array.isArray(result.cookies)) for (const cookie of result.cookies) headers.push(['set-cookie', String(cookie)])
  if (result.body === undefined || result.body === null) return { status, headers, body: null }
  const body = typeof result.body === 'string' ? result.body : toJson(result.body)
  return { status, headers, body: result.isBase64Encoded === true ? bytesFromBase64(body) : body }
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

function addHeader(headers: [string, string][], name = '', values: Record<string, unknown>): void {
  headers.push([name.toLowerCase(), String(values[name])])
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
