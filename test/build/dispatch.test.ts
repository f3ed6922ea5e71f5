/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { createHandle } from '../../guest-sdk/runtime/dispatch.ts'
import type { Context, Environment, FunctionModule, Platform } from '../../guest-sdk/runtime/function.ts'
import { decode, encode } from '../../guest-sdk/runtime/msgpack.ts'
import { createRuntime } from '../../guest-sdk/runtime/runtime.ts'

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
  readonly body: Uint8Array | string | null
  readonly payload: unknown
}

const text = (body: unknown): unknown => (body instanceof Uint8Array ? new TextDecoder().decode(body) : body)

function start(
  module: FunctionModule,
  options: { env?: Environment; seeds?: number[] } = {},
): {
  readonly call: (event: object) => Promise<Answer>
  readonly fail: (event: object) => Promise<{ name: string; message: string; stack: string }>
  readonly globals: { readonly Math: { random(): number }; readonly process?: { readonly env: Environment } }
  readonly reads: () => number
} {
  let reads = 0
  const seeds = options.seeds ?? [1]
  const platform: Platform = {
    engine: 'starlingmonkey',
    entropy: () => new Uint32Array([seeds.shift() ?? 7, 2, 3, 4]),
    readEnvironment: () => {
      reads++
      return options.env ?? {}
    },
  }
  const globals = { Math: { random: () => 0 } }
  const handle = createHandle(module, createRuntime(platform, globals))
  return {
    globals,
    reads: () => reads,
    async call(event) {
      const answer = decode(await handle(encode(event))) as Answer
      return { ...answer, body: text(answer.body) as string }
    },
    async fail(event) {
      try {
        await handle(encode(event))
      } catch (error) {
        if (error instanceof Uint8Array) return decode(error) as { name: string; message: string; stack: string }
        throw error
      }
      throw new Error('the event was answered')
    },
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
      ['x-a', '1'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
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
          Response.json([env.A, context.awsRequestId, context.functionName, context.getRemainingTimeInMillis()]),
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

  test('that returns no Response fails with a TypeError', async () => {
    const { fail } = start({ default: { fetch: () => 'text' } })
    expect(await fail(http)).toMatchObject({ name: 'TypeError', message: 'fetch(request, env, context) must return a Response' })
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
      'statusCode must be an integer, not "ok"',
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
      message: '',
      stack: '',
    })
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
    ['is no MessagePack', new Uint8Array([0xc1])],
    ['is no map', encode([1])],
    ['has an unknown type', encode({ ...base, type: 'other' })],
    ['is an http event without a URL', encode({ ...base, type: 'http', method: 'GET', headers: [] })],
  ])('answers with an error when the event %s', async (_, bytes) => {
    const handle = createHandle(
      { handler: () => 1 },
      createRuntime(
        { engine: 'starlingmonkey', entropy: () => new Uint32Array(4), readEnvironment: () => ({}) },
        { Math: { random: () => 0 } },
      ),
    )
    expect(() => handle(bytes)).toThrow(expect.any(Uint8Array))
  })
})
