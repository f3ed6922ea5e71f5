import { describe, expect, test } from 'vitest'
import type { FunctionModule } from '../../guest-sdk/runtime/function.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'
import { decodeHttpAnswer, encodeHttpEvent, type HttpAnswer, type HttpEvent } from '../../src/triggers/http-event.ts'
import { decodeExchange, encodeExchange } from '../../src/triggers/http-exchange.ts'
import { drive } from './drive.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

const plain: HttpEvent = {
  id: 'request-1',
  functionName: 'greeter',
  deadlineMs: NOW + 3000,
  method: 'POST',
  url: 'http://host.example:8080/a/b?x=1&x=2&y=%C3%BC&__proto__=z&line=a%0Ab',
  headers: [
    ['host', 'host.example:8080'],
    ['user-agent', 'Ä test'],
    ['x-a', '1'],
  ],
  body: Buffer.from('{"a":"b"}'),
}

const REQUESTS: Readonly<Record<string, HttpEvent>> = {
  'of the usual kind': plain,
  'without query and body': { ...plain, method: 'GET', url: 'http://localhost/', body: null },
  'with cookies and a header that came twice': {
    ...plain,
    headers: [...plain.headers, ['cookie', 'a=b; c=d'], ['x-a', '2'], ['cookie', 'e=f']],
  },
  'with a body of UTF-8': { ...plain, body: Buffer.from('\uFEFFgrüß 😀\nline') },
  'with a body that is no UTF-8': { ...plain, body: Buffer.from([0, 0xff, 0x80]) },
  'with an empty body': { ...plain, body: new Uint8Array() },
  'without headers': { ...plain, headers: [] },
}

const dispatcher = (module: FunctionModule) => {
  const driven = drive(module)
  driven.prepared()
  return driven
}

function exchanged(module: FunctionModule, request: HttpEvent): HttpAnswer {
  const encoded = encodeExchange(request, NOW)
  if (encoded === undefined) throw new Error('the request cannot be exchanged')
  const { head, text, bytes } = encoded
  const [strings, body] = dispatcher(module).exchange(Buffer.from(head).toString(), Buffer.from(text).toString(), bytes)
  return decodeExchange({ ok: true, strings: strings.map((value) => Buffer.from(value)), bytes: Buffer.from(body) })
}

async function handled(module: FunctionModule, request: HttpEvent): Promise<HttpAnswer> {
  return decodeHttpAnswer(await dispatcher(module).handle(encodeHttpEvent(request, 'json')), 'json')
}

const bodyOf = ({ body }: HttpAnswer): unknown => JSON.parse(Buffer.from(body ?? []).toString())

describe('a request by exchange', () => {
  test.each(Object.entries(REQUESTS))('%s is the same event as by handle, but for the time', async (_, request) => {
    const handler = (event: object, context: object): object => ({ event, context })
    const withoutTime = (answer: HttpAnswer): unknown => {
      const { event, context } = bodyOf(answer) as { event: { requestContext: object }; context: object }
      return { event: { ...event, requestContext: { ...event.requestContext, time: '', timeEpoch: 0 } }, context }
    }
    const answer = exchanged({ handler }, request)
    expect(withoutTime(answer)).toEqual(withoutTime(await handled({ handler }, request)))
    expect(bodyOf(answer)).toMatchObject({
      event: { requestContext: { time: '2026-01-02T03:04:05.678Z', timeEpoch: NOW } },
      context: { awsRequestId: 'request-1', functionName: 'greeter' },
    })
  })

  test('gives keys in the same order as by handle', async () => {
    const handler = (event: { requestContext: object }): object => ({
      keys: [Object.keys(event), Object.keys(event.requestContext)],
    })
    expect(bodyOf(exchanged({ handler }, plain))).toEqual(bodyOf(await handled({ handler }, plain)))
  })

  test.each([
    ['a value', () => ({ a: 1 })],
    ['a response', () => ({ statusCode: 201, headers: { 'X-A': 1 }, cookies: ['a=b', 'c=d'], body: 'ü' })],
    ['several values of a header', () => ({ statusCode: '200', multiValueHeaders: { 'X-A': ['1', '2'] } })],
    ['bytes', () => ({ statusCode: 200, body: 'AP8=', isBase64Encoded: true })],
    ['no body', () => ({ statusCode: 204 })],
    ['an empty body', () => ({ statusCode: 200, body: '' })],
  ])('is answered with %s as by handle', async (_, handler) => {
    const normal = ({ head, body }: HttpAnswer): unknown => ({ head, body: Buffer.from(body ?? []) })
    expect(normal(exchanged({ handler }, plain))).toEqual(normal(await handled({ handler }, plain)))
  })

  test('fails with the same envelope as by handle', () => {
    const handler = (): never => {
      throw new RangeError('no')
    }
    let thrown: unknown
    try {
      exchanged({ handler }, plain)
    } catch (error) {
      thrown = error
    }
    expect(decodeEnvelope(thrown as Uint8Array).head).toMatchObject({ name: 'RangeError', message: 'no' })
  })

  test('leaves nothing of what was made before the snapshot for a second request', () => {
    const seen: object[] = []
    const handler = (event: object, context: object): void => void seen.push(event, context)
    const { exchange } = dispatcher({ handler })
    for (const id of ['one', 'two']) {
      const { head } = encodeExchange({ ...plain, id, body: null }, NOW)!
      exchange(Buffer.from(head).toString(), '', new Uint8Array())
    }
    expect(new Set(seen).size).toBe(4)
    expect(seen).toMatchObject([{}, { awsRequestId: 'one' }, {}, { awsRequestId: 'two' }])
  })
})

test.each([
  ['a line end', { headers: [['x-a', 'a\nb']] }],
  ['a name that objects have', { headers: [['__proto__', 'a']] }],
] as const)('a request with %s in its headers takes the longer way', (_, change) => {
  expect(encodeExchange({ ...plain, ...change }, NOW)).toBeUndefined()
})
