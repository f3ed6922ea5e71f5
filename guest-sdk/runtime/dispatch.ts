import { callFetch } from './fetch.ts'
import type { Context, EventBase, FetchFunction, FunctionEvent, FunctionModule, HttpEvent, LambdaHandler } from './function.ts'
import { fromLambdaResult, toApiGatewayEvent } from './lambda.ts'
import { decode, encode } from './msgpack.ts'
import type { Runtime } from './runtime.ts'

export type Handle = (event: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** The author's handlers, by what they are given. Either may be missing. */
interface Handlers {
  readonly fetch: FetchFunction | undefined
  readonly lambda: LambdaHandler | undefined
}

/**
 * Makes the event world's `handle` of an author's module. What `handle` throws is MessagePack of `{name, message, stack}`: both
 * engines turn a thrown Uint8Array into the err value of the WIT result.
 *
 * `module` is looked at on the first event, so that importing it cannot fail before its own errors are seen.
 */
export function createHandle(module: FunctionModule, runtime: Runtime): Handle {
  const { platform, random } = runtime
  let handlers: Handlers | undefined

  const answer = (event: FunctionEvent, context: InvocationContext): unknown => {
    if (event.type === 'warm') return warm(runtime, context)
    // Also what a Lambda function reads as process.env.
    const env = runtime.environment()
    handlers ??= handlersOf(module)
    const { fetch, lambda } = handlers
    if (event.type === 'http' && fetch !== undefined) return callFetch(fetch, event, env, context)
    if (lambda === undefined)
      throw new TypeError('the function has no handler for invoke events: export const handler = async (event, context) => …')
    const argument = event.type === 'http' ? toApiGatewayEvent(event, context, Date.now()) : event.payload
    const finish = (result: unknown): unknown => (event.type === 'http' ? fromLambdaResult(result) : { payload: result })
    const result = lambda(argument, context)
    return isPromise(result) ? result.then(finish) : finish(result)
  }

  const run = (bytes: Uint8Array): Uint8Array | Promise<Uint8Array> => {
    // StarlingMonkey's bindings hand over an array of another realm, of whose kind `instanceof` knows nothing.
    const event = parseEvent(decode(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)))
    const context = new InvocationContext(event)
    const result = answer(event, context)
    if (!isPromise(result) && context.pending.length === 0) return encode(result)
    const finish = async (): Promise<Uint8Array> => {
      const value = await result
      // A promise that is waited for may add another one.
      for (let i = 0; i < context.pending.length; i++) await context.pending[i]
      return encode(value)
    }
    if (platform.settle === undefined) return finish()
    const settled = platform.settle(finish())
    if (!(settled instanceof Uint8Array)) throw new TypeError('the answer was not encoded')
    return settled
  }

  return (bytes) => {
    random.forget()
    try {
      const result = run(bytes)
      return isPromise(result) ? result.catch(fail) : result
    } catch (error) {
      return fail(error)
    }
  }
}

/** The author's exceptions cross the boundary as data. */
function fail(error: unknown): never {
  throw encode(describeError(error))
}

function describeError(error: unknown): { name: string; message: string; stack: string } {
  if (typeof error !== 'object' || error === null) return { name: 'Error', message: String(error), stack: '' }
  // Getters of a hostile or broken error object may throw themselves.
  const read = (key: string, fallback: string): string => {
    try {
      const value: unknown = Reflect.get(error, key)
      return typeof value === 'string' ? value : fallback
    } catch {
      return fallback
    }
  }
  return {
    name: read('name', 'Error'),
    message: read('message', ''),
    stack: read('stack', '').split('\n').filter(isOwnFrame).join('\n'),
  }
}

/** StarlingMonkey's bindings stand at the bottom of every stack, under a path of the machine that built the component. */
const isOwnFrame = (line: string): boolean => !line.includes('/initializer.js:')

/** `default { fetch }` answers http events, `handler` invoke events, and http events where there is no `fetch`. */
function handlersOf(module: FunctionModule): Handlers {
  const fetch = isFetchFunction(module.default) ? module.default : undefined
  const lambda = isLambdaHandler(module.handler) ? module.handler : undefined
  if (fetch === undefined && lambda === undefined) {
    throw new TypeError('the module exports neither `default { fetch(request, env, context) }` nor `handler(event, context)`')
  }
  return { fetch, lambda }
}

const isFetchFunction = (value: unknown): value is FetchFunction =>
  typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function'

const isLambdaHandler = (value: unknown): value is LambdaHandler => typeof value === 'function'

function parseEvent(value: unknown): FunctionEvent {
  if (!isRecord(value)) throw new TypeError('the event is not a map')
  const { type, id, fn, deadline } = value
  const base: EventBase = {
    id: typeof id === 'string' ? id : '',
    fn: typeof fn === 'string' ? fn : '',
    deadline: typeof deadline === 'number' ? deadline : Infinity,
  }
  if (type === 'warm') return { type, ...base }
  if (type === 'invoke') return { type, ...base, payload: value.payload ?? null }
  if (type === 'http') return parseHttpEvent(value, base)
  throw new TypeError(`an event of type ${JSON.stringify(type)} is not one that docs/events.md describes`)
}

function parseHttpEvent(event: Readonly<Record<string, unknown>>, base: EventBase): HttpEvent {
  const { method, url, headers, body = null } = event
  if (
    typeof method !== 'string' ||
    typeof url !== 'string' ||
    !isHeaders(headers) ||
    !(body === null || body instanceof Uint8Array)
  ) {
    throw new TypeError('the http event has no method, url, headers or body as docs/events.md describes them')
  }
  return { type: 'http', ...base, method, url, headers, body }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isHeaders = (value: unknown): value is HttpEvent['headers'] =>
  Array.isArray(value) && value.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string')

class InvocationContext implements Context {
  readonly awsRequestId: string
  readonly functionName: string
  readonly functionVersion = '$LATEST'
  readonly pending: Promise<unknown>[] = []
  readonly #deadline: number

  constructor(event: EventBase) {
    this.awsRequestId = event.id
    this.functionName = event.fn
    this.#deadline = event.deadline
  }

  getRemainingTimeInMillis(): number {
    return Math.max(0, this.#deadline - Date.now())
  }

  waitUntil(promise: Promise<unknown>): void {
    this.pending.push(promise)
  }

  passThroughOnException(): void {}
}

/**
 * Walks the path of a real invocation without the author's code, so that what every invocation touches (decoder, Request, Response,
 * encoder, their code and caches) is part of the snapshot.
 */
function warm(runtime: Runtime, context: Context): unknown {
  const event = warmHttpEvent()
  const env = runtime.environment()
  if (runtime.platform.engine === 'starlingmonkey') {
    return callFetch(
      { fetch: async (request) => new Response(await request.arrayBuffer(), { headers: { 'x-warm': request.url } }) },
      event,
      env,
      context,
    )
  }
  // As an async handler's answer: by way of the promises, too.
  const { rawPath } = toApiGatewayEvent(event, context, 0)
  return Promise.resolve({ statusCode: 200, headers: { 'x-warm': '1' }, body: rawPath }).then(fromLambdaResult)
}

/** Encoded and decoded, because a real event comes that way. */
function warmHttpEvent(): HttpEvent {
  const url = 'http://localhost/warm?a=b'
  const event = { type: 'http', method: 'POST', url, headers: [['accept', '*/*']], body: new Uint8Array([123, 125]) }
  const parsed = parseEvent(decode(encode(event)))
  if (parsed.type !== 'http') throw new TypeError('the warm-up event was not understood')
  return parsed
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
