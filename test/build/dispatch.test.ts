/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { createHandle } from '../../guest-sdk/runtime/dispatch.ts'
import type { Context, Environment, FunctionModule, LambdaContext } from '../../guest-sdk/runtime/function.ts'
import { TEXT } from '../../guest-sdk/runtime/bytes.ts'
import { createRuntime } from '../../guest-sdk/runtime/runtime.ts'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'
import { encodeMessage } from '../../src/invoke/message.ts'
import { encodeHttpEvent } from '../../src/triggers/http-event.ts'
import { drive, failure, type Driven, type TestError } from './drive.ts'

const base = { id: 'request-1', fn: 'greeter', deadline: 0 }
const http = {
  ...base,
  type: 'http',
  method: 'GET',
  url: 'http://host.example/a/b?x=1&x=2&y=%C3%BC',
  headers: [] as [string, string][],
  body: null as Uint8Array | null,
}

interface Answer {
  readonly status: number
  readonly headers: [string, string][]
  readonly body: string | null
  readonly payload: unknown
}

type HttpEvent = typeof http

/** As the host does it. */
const encode = (event: object): Uint8Array => {
  if (!('url' in event)) return encodeEnvelope(event, null)
  const { id, fn, deadline, method, url, headers, body } = event as HttpEvent
  return encodeHttpEvent({ id, functionName: fn, deadlineMs: deadline, method, url, headers, body }, 'json')
}

const decode = (bytes: Uint8Array): unknown => {
  const { head, body } = decodeEnvelope(bytes)
  const { headers } = head as { headers?: readonly string[] }
  const pairs = headers?.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : []))
  return { ...head, ...(pairs !== undefined && { headers: pairs }), body: body === null ? null : new TextDecoder().decode(body) }
}

const decodeError = (bytes: Uint8Array): { name: string; message: string; stack: string } =>
  decodeEnvelope(bytes).head as { name: string; message: string; stack: string }

const thrown = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return new Error('nothing was thrown')
}

function start(
  module: FunctionModule,
  options: { env?: Environment; seeds?: number[] } = {},
): {
  readonly call: (event: object) => Promise<Answer>
  readonly fail: (event: object) => Promise<TestError>
  readonly globals: Driven['globals']
  readonly reads: Driven['reads']
} {
  const driven = drive(module, options)
  return {
    globals: driven.globals,
    reads: driven.reads,
    call: async (event) => decode(await driven.handle(encode(event))) as Answer,
    fail: (event) => failure(driven, encode(event)),
  }
}

describe('a fetch function', () => {
  test('gets method, URL, headers with duplicates, and body as a Request', async () => {
    const { call } = start({
      default: {
        fetch: async (request: Request) =>
          Response.json([request.method, request.url, [...request.headers], await request.text()]),
      },
    })
    const answer = await call({
      ...http,
      method: 'POST',
      headers: [
        ['x-a', '1'],
        ['x-a', '2'],
      ],
      body: new TextEncoder().encode('{"ü":1}'),
    })
    expect(answer.status).toBe(200)
    expect(JSON.parse(String(answer.body))).toEqual(['POST', http.url, [['x-a', '1, 2']], '{"ü":1}'])
  })

  test('answers with status, every header and every cookie apart', async () => {
    const { call } = start({
      default: {
        fetch: () => {
          const headers = new Headers([
            ['x-a', '1'],
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ])
          return new Response(null, { status: 204, headers })
        },
      },
    })
    const answer = await call(http)
    expect(answer).toMatchObject({ status: 204, body: null })
    expect(answer.headers).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-a', '1'],
    ])
  })

  test('may get a GET with a body, which the Request leaves out', async () => {
    const { call } = start({ default: { fetch: async (request: Request) => new Response(`[${await request.text()}]`) } })
    expect((await call({ ...http, body: new Uint8Array([65]) })).body).toBe('[]')
  })

  test('gets the environment and a context', async () => {
    const module = {
      default: {
        fetch: (_: Request, env: Environment, context: Context) =>
          Response.json([env.A, context.requestId, context.functionName, context.getRemainingTimeInMillis()]),
      },
    }
    const { call } = start(module, { env: { A: 'b' } })
    expect(JSON.parse(String((await call(http)).body))).toEqual(['b', 'request-1', 'greeter', 0])
  })

  test('may be a Hono app, unchanged', async () => {
    const app = new Hono<{ Bindings: { A: string } }>().get('/a/:id', (context) =>
      context.json({ id: context.req.param('id'), env: context.env.A, x: context.req.queries('x') }),
    )
    const { call } = start({ default: app }, { env: { A: 'b' } })
    expect(JSON.parse(String((await call(http)).body))).toEqual({ id: 'b', env: 'b', x: ['1', '2'] })
    expect((await call({ ...http, url: 'http://host.example/none' })).status).toBe(404)
  })

  test.each([
    ['text', 'the string "text"'],
    [undefined, 'nothing (undefined)'],
    [{ status: 200, body: '' }, 'an object with the keys status, body'],
    [new Map(), 'an object of the class Map'],
  ])('that returns no Response but %o fails with a TypeError that says so', async (result, said) => {
    const { fail } = start({ default: { fetch: () => result } })
    const message = `fetch(request, env, ctx) must return a Response, but returned ${said}`
    expect(await fail(http)).toMatchObject({ name: 'TypeError', message })
  })

  test('without a handler refuses invoke events', async () => {
    const { fail } = start({ default: { fetch: () => new Response() } })
    expect((await fail({ ...base, type: 'invoke', payload: 1 })).message).toContain('no handler for invoke events')
  })
})

describe('a Lambda handler', () => {
  test('gets the payload of an invoke event and answers with any value', async () => {
    const { call } = start({ handler: (event: unknown) => ({ got: event }) })
    expect((await call({ ...base, type: 'invoke', payload: { a: [1] } })).payload).toEqual({ got: { a: [1] } })
  })

  test('gets an http event as API Gateway format 2.0', async () => {
    const { call } = start({ handler: async (event: unknown) => ({ statusCode: 201, body: JSON.stringify(event) }) })
    const answer = await call({
      ...http,
      method: 'PUT',
      headers: [
        ['x-a', '1'],
        ['x-a', '2'],
        ['cookie', 'a=1; b=2'],
      ],
      body: new TextEncoder().encode('ü'),
    })
    expect(answer.status).toBe(201)
    expect(JSON.parse(String(answer.body))).toMatchObject({
      version: '2.0',
      rawPath: '/a/b',
      rawQueryString: 'x=1&x=2&y=%C3%BC',
      queryStringParameters: { x: '1,2', y: 'ü' },
      headers: { 'x-a': '1,2' },
      cookies: ['a=1', 'b=2'],
      requestContext: { domainName: 'host.example', http: { method: 'PUT', path: '/a/b' }, requestId: 'request-1' },
      body: 'ü',
      isBase64Encoded: false,
    })
  })

  test('gets headers and parameters of any name, and ASCII as it is', async () => {
    const { call } = start({ handler: (event: unknown) => JSON.stringify(event) })
    const url = 'http://h.example/?__proto__=1&__proto__=2&%zz=%zz&+=+'
    const answer = await call({ ...http, method: 'POST', url, headers: [['__proto__', 'x']], body: Buffer.from('plain') })
    const event = JSON.parse(String(answer.body)) as { headers: object; queryStringParameters: object; body: string }
    expect(Object.entries(event.headers)).toEqual([['__proto__', 'x']])
    expect(Object.entries(event.queryStringParameters)).toEqual([
      ['__proto__', '1,2'],
      ['%zz', '%zz'],
      [' ', ' '],
    ])
    expect(event).toMatchObject({ body: 'plain', isBase64Encoded: false })
    expect(event).not.toHaveProperty('cookies')
  })

  test('gets no parameters and no body where there are none', async () => {
    const { call } = start({ handler: (event: unknown) => JSON.stringify(event) })
    const event: unknown = JSON.parse(String((await call({ ...http, url: 'http://h.example' })).body))
    expect(event).toMatchObject({ rawPath: '/', rawQueryString: '', isBase64Encoded: false })
    expect(event).not.toHaveProperty('queryStringParameters')
    expect(event).not.toHaveProperty('body')
  })

  test('may answer with characters beyond ASCII, in body and headers', async () => {
    const { call } = start({ handler: () => ({ statusCode: 200, headers: { 'x-a': '\u00e9' }, body: '\u00fc\u{1f600}\ud800' }) })
    expect(await call(http)).toMatchObject({ headers: [['x-a', '\u00e9']], body: '\u00fc\u{1f600}\ufffd' })
  })

  test('gets what Lambda tells of the function and the invocation', async () => {
    const env = { AWS_LAMBDA_FUNCTION_NAME: 'greeter', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256', OWN: '1' }
    const { call, globals } = start(
      { handler: (_: unknown, context: LambdaContext) => ({ ...context, logStreamName: context.logStreamName }) },
      { env },
    )
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:greeter'
    const { payload } = await call({ ...base, type: 'invoke' })
    expect(payload).toEqual({
      awsRequestId: 'request-1',
      functionName: 'greeter',
      functionVersion: '$LATEST',
      invokedFunctionArn: arn,
      memoryLimitInMB: '256',
      logGroupName: '/aws/lambda/greeter',
      logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\]request1$/) as string,
      callbackWaitsForEmptyEventLoop: true,
    })
    expect(globals.process?.env).toEqual(env)
    const invoked = { version: '7', arn: `${arn}:live` }
    expect((await call({ ...base, type: 'invoke', invoked })).payload).toMatchObject({
      functionVersion: '7',
      invokedFunctionArn: `${arn}:live`,
    })
  })

  test('that takes a callback is refused, with what to do instead', async () => {
    const handler = (_event: unknown, _context: unknown, callback: () => void): void => callback()
    expect((await start({ handler }).fail({ ...base, type: 'invoke' })).message).toContain('there is no callback here')
  })

  test('that answers an invoke event with what JSON cannot hold fails, and with nothing answers null', async () => {
    const error = await start({ handler: () => ({ n: 1n }) }).fail({ ...base, type: 'invoke' })
    expect(error).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('what JSON can hold, but returned an object') as string,
    })
    expect((await start({ handler: () => undefined }).call({ ...base, type: 'invoke' })).payload).toBeNull()
  })

  test('gets and gives bytes that are no UTF-8 as base64', async () => {
    const { call } = start({
      handler: (event: { body: string; isBase64Encoded: boolean }) => ({
        statusCode: 200,
        body: event.body,
        isBase64Encoded: event.isBase64Encoded,
      }),
    })
    const answer = await call({ ...http, method: 'POST', body: new Uint8Array([0xff, 0xfe]) })
    expect(answer.body).toBe('\ufffd\ufffd')
  })

  test.each([
    ['a string', 'text', { status: 200, body: 'text' }],
    ['an object without statusCode', { a: 1 }, { status: 200, body: '{"a":1}' }],
    ['nothing', undefined, { status: 200, body: '' }],
    [
      'headers and cookies',
      { statusCode: 302, headers: { Location: '/x' }, cookies: ['a=1'] },
      {
        status: 302,
        headers: [
          ['location', '/x'],
          ['set-cookie', 'a=1'],
        ],
        body: null,
      },
    ],
  ])('may answer an http event with %s', async (_, result, expected) => {
    expect(await start({ handler: () => result }).call(http)).toMatchObject(expected)
  })

  test('with a statusCode that is no integer fails', async () => {
    expect((await start({ handler: () => ({ statusCode: 'ok' }) }).fail(http)).message).toBe(
      'statusCode must be an integer from 200 to 599, not the string "ok"',
    )
  })

  test('stands beside fetch, which then gets the http events', async () => {
    const { call } = start({ default: { fetch: () => new Response('fetch') }, handler: () => 'handler' })
    expect((await call(http)).body).toBe('fetch')
    expect((await call({ ...base, type: 'invoke', payload: null })).payload).toBe('handler')
  })
})

describe('the runtime', () => {
  test.each([
    [
      'thrown',
      () => {
        throw new RangeError('too far')
      },
    ],
    ['rejected', () => Promise.reject(new RangeError('too far'))],
  ])('passes on name, message and stack of what is %s', async (_, handler) => {
    const error = await start({ handler }).fail({ ...base, type: 'invoke' })
    expect(error).toMatchObject({ name: 'RangeError', message: 'too far' })
    expect(error.stack).toContain('dispatch.test')
  })

  test('passes on values that are no errors, and errors whose properties throw', async () => {
    // oxlint-disable-next-line no-throw-literal -- that is the point
    expect(
      await start({
        handler: () => {
          throw 'text'
        },
      }).fail({ ...base, type: 'invoke' }),
    ).toEqual({ name: 'Error', message: 'text', stack: '' })
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
      },
    )
    expect(await start({ handler: () => Promise.reject(hostile) }).fail({ ...base, type: 'invoke' })).toEqual({
      name: 'Error',
      message: 'what was thrown is no Error but an object',
      stack: '',
    })
    const thrown = await start({ handler: () => Promise.reject({ code: 7 }) }).fail({
      ...base,
      type: 'invoke',
    })
    expect(thrown.message).toBe('what was thrown is no Error but an object with the keys code')
  })

  test('puts the chain of causes into the stack, circles and all', async () => {
    const inner = new TypeError('inner')
    const outer = new Error('outer', { cause: new Error('middle', { cause: inner }) })
    inner.cause = outer
    const { message, stack } = await start({ handler: () => Promise.reject(outer) }).fail({ ...base, type: 'invoke' })
    expect(message).toBe('outer')
    const titles = stack.split('\n').filter((line) => line.startsWith('Caused by: '))
    expect(titles).toEqual(['Caused by: Error: middle', 'Caused by: TypeError: inner'])
    expect(stack.match(/dispatch\.test/g)?.length).toBeGreaterThanOrEqual(3)
  })

  test('answers a warm event without the author’s code, by the way of a request', async () => {
    let calls = 0
    const module = {
      default: {
        fetch: () => {
          calls++
          return new Response()
        },
      },
    }
    const { call, reads } = start(module)
    expect((await call({ ...base, type: 'warm' })).status).toBe(200)
    expect([calls, reads()]).toEqual([0, 1])
    await call(http)
    expect([calls, reads()]).toEqual([1, 1])
  })

  test('waits for what was given to waitUntil, and fails with it', async () => {
    let done = false
    const later = async (): Promise<void> => {
      await Promise.resolve()
      done = true
    }
    await start({
      handler: (_: unknown, context: Context) => {
        context.waitUntil(later())
        return 1
      },
    }).call({ ...base, type: 'invoke' })
    expect(done).toBe(true)
    const { fail } = start({
      handler: (_: unknown, context: Context) => {
        context.waitUntil(Promise.reject(new Error('late')))
      },
    })
    expect((await fail({ ...base, type: 'invoke' })).message).toBe('late')
  })

  test('seeds Math.random anew for every invocation, and only when it is used', async () => {
    const seeds = [1, 2, 1]
    const { call, globals } = start(
      { handler: (event: unknown) => (event === 'no' ? [] : [globals.Math.random(), globals.Math.random()]) },
      { seeds },
    )
    const invoke = (payload: string): Promise<Answer> => call({ ...base, type: 'invoke', payload })
    const [first, , second, third] = [await invoke('a'), await invoke('no'), await invoke('b'), await invoke('c')]
    expect(first.payload).not.toEqual(second.payload)
    expect(first.payload).toEqual(third.payload)
    expect(seeds).toEqual([])
  })

  test('fills process.env at the first event, not before', async () => {
    const { call, globals } = start({ handler: () => null }, { env: { A: 'b' } })
    expect(globals.process?.env).toEqual({})
    await call({ ...base, type: 'invoke' })
    expect(globals.process?.env).toEqual({ A: 'b' })
  })

  test.each([
    ['is no MessagePack', new Uint8Array([0xc1]), 'pair of head and body'],
    ['is empty', new Uint8Array(), 'pair of head and body'],
    ['is a map', encodeMessage({ ...base, type: 'warm' }), 'pair of head and body'],
    ['ends early', encode(http).subarray(0, -1), 'pair of head and body'],
    ['goes on', Buffer.concat([encode(http), Buffer.from([0xc0])]), 'pair of head and body'],
    ['has a length that is a lie', new Uint8Array([0x92, 0xdb, 0xff, 0xff, 0xff, 0xff, 0xc0]), 'pair of head and body'],
    ['has a head that is no JSON', new Uint8Array([0x92, 0xdb, 0, 0, 0, 1, 0x7b, 0xc0]), 'not JSON that can be read'],
    ['has a head that is no object', encodeEnvelope([1], null), 'no id, fn and deadline'],
    ['has an unknown type', encode({ ...base, type: 'other' }), 'of type "other"'],
    [
      'is an http event without a URL',
      encode({ ...base, type: 'http', method: 'GET', headers: {} }),
      'no method, URL or headers',
    ],
  ])('answers with an error when the event %s', async (_, bytes, message) => {
    const handle = createHandle(
      { handler: () => 1 },
      createRuntime(
        { engine: 'starlingmonkey', text: TEXT, entropy: () => new Uint32Array(4), readEnvironment: () => ({}) },
        { Math: { random: () => 0 } },
      ),
    )
    const error = thrown(() => handle(bytes))
    if (!(error instanceof Uint8Array)) throw error
    expect(decodeError(error)).toMatchObject({ name: 'TypeError', message: expect.stringContaining(message) as string })
  })
})
