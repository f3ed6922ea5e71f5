import { openEnvelope, sealEnvelope } from './envelope.ts'
import { callFetch } from './fetch.ts'
import type {
  Context,
  EventBase,
  FetchFunction,
  FunctionEvent,
  FunctionModule,
  HttpAnswer,
  HttpEvent,
  LambdaHandler,
  Text,
} from './function.ts'
import { fromLambdaResult, toApiGatewayEvent } from './lambda.ts'
import type { Runtime } from './runtime.ts'

export type Handle = (event: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** The author's handlers, by what they are given. Either may be missing. */
interface Handlers {
  readonly fetch: FetchFunction | undefined
  readonly lambda: LambdaHandler | undefined
}

/** What a handler gave, or will give, and how the bytes of the answer are made of it. */
interface Outcome {
  readonly result: unknown
  readonly seal: (value: unknown, text: Text) => Uint8Array
}

/**
 * Makes the event world's `handle` of an author's module. What `handle` throws is an envelope of `{name, message, stack}`: both
 * engines turn a thrown Uint8Array into the err value of the WIT result.
 *
 * `module` is looked at on the first event, so that importing it cannot fail before its own errors are seen.
 */
export function createHandle(module: FunctionModule, runtime: Runtime): Handle {
  const { platform, random } = runtime
  const { text, waiting } = platform
  let handlers: Handlers | undefined

  const answer = (event: FunctionEvent, context: InvocationContext): Outcome => {
    if (event.type === 'warm') return warm(runtime, context)
    // Also what a Lambda function reads as process.env.
    const env = runtime.environment()
    handlers ??= handlersOf(module)
    const { fetch, lambda } = handlers
    if (event.type === 'http') {
      if (fetch !== undefined) return { result: callFetch(fetch, event, env, context), seal: sealHttp }
      if (lambda !== undefined) return { result: lambda(toApiGatewayEvent(event, Date.now(), text), context), seal: sealLambda }
    } else if (lambda !== undefined) return { result: lambda(event.payload, context), seal: sealPayload }
    throw new TypeError('the function has no handler for invoke events: export const handler = async (event, context) => …')
  }

  const run = (bytes: Uint8Array): Uint8Array | Promise<Uint8Array> => {
    // StarlingMonkey's bindings hand over an array of another realm, of whose kind `instanceof` knows nothing.
    const event = readEvent(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes), text)
    const context = new InvocationContext(event)
    const { result, seal } = answer(event, context)
    if (!isPromise(result) && context.pending === undefined) return seal(result, text)
    if (waiting === undefined) return settleAll(result, context).then((value) => seal(value, text))
    try {
      const value = isPromise(result) ? waiting.settle(result) : result
      const { pending = [] } = context
      // A promise that is waited for may add another one.
      for (let i = 0; i < pending.length; i++) waiting.settle(pending[i])
      return seal(value, text)
    } finally {
      waiting.clear()
    }
  }

  const fail = (error: unknown): never => {
    throw sealEnvelope(JSON.stringify(describeError(error)), null, text)
  }

  return (bytes) => {
    random.forget()
    try {
      const result = run(bytes)
      return result instanceof Uint8Array ? result : result.catch(fail)
    } catch (error) {
      return fail(error)
    }
  }
}

async function settleAll(result: unknown, context: InvocationContext): Promise<unknown> {
  const value = await result
  const { pending = [] } = context
  for (let i = 0; i < pending.length; i++) await pending[i]
  return value
}

const sealHttp = (value: unknown, text: Text): Uint8Array => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what callFetch and fromLambdaResult make
  const { status, headers, body } = value as HttpAnswer
  return sealEnvelope(`{"status":${status},"headers":${JSON.stringify(headers)}}`, body, text)
}

const sealLambda = (value: unknown, text: Text): Uint8Array => sealHttp(fromLambdaResult(value), text)

const sealPayload = (value: unknown, text: Text): Uint8Array =>
  sealEnvelope(`{"payload":${JSON.stringify(value) ?? 'null'}}`, null, text)

/** The author's exceptions cross the boundary as data. */
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

function readEvent(bytes: Uint8Array, text: Text): FunctionEvent {
  const { head, body } = openEnvelope(bytes, text)
  if (!isRecord(head) || !isBase(head)) throw new TypeError("the event's head has no id, fn and deadline")
  switch (head.type) {
    case 'http':
      if (!isHttp(head)) throw new TypeError('the http event has no method, URL or headers as docs/events.md describes them')
      head.body = body
      return head
    case 'invoke':
      return { type: 'invoke', id: head.id, fn: head.fn, deadline: head.deadline, payload: head.payload ?? null }
    case 'warm':
      return { type: 'warm', id: head.id, fn: head.fn, deadline: head.deadline }
    default:
      throw new TypeError(`an event of type ${JSON.stringify(head.type)} is not one that docs/events.md describes`)
  }
}

type Head = Record<string, unknown> & EventBase

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isBase = (head: Record<string, unknown>): head is Head =>
  typeof head.id === 'string' && typeof head.fn === 'string' && typeof head.deadline === 'number'

const isHttp = (head: Head): head is Head & { -readonly [K in keyof HttpEvent]: HttpEvent[K] } =>
  typeof head.method === 'string' &&
  typeof head.url === 'string' &&
  typeof head.host === 'string' &&
  typeof head.path === 'string' &&
  typeof head.query === 'string' &&
  isRecord(head.headers)

/** Without initialised and private fields: lowered for QuickJS, each costs as much as reading a short header. */
class InvocationContext implements Context {
  declare readonly awsRequestId: string
  declare readonly functionName: string
  declare readonly functionVersion: string
  declare readonly deadline: number
  declare pending: unknown[] | undefined

  constructor(event: EventBase) {
    this.awsRequestId = event.id
    this.functionName = event.fn
    this.functionVersion = '$LATEST'
    this.deadline = event.deadline
    this.pending = undefined
  }

  getRemainingTimeInMillis(): number {
    return Math.max(0, this.deadline - Date.now())
  }

  waitUntil(promise: Promise<unknown>): void {
    if (this.pending === undefined) this.pending = [promise]
    else this.pending.push(promise)
  }

  passThroughOnException(): void {}
}

/**
 * Walks the path of a real invocation without the author's code, so that what every invocation touches (decoder, Request, Response,
 * encoder, their code and caches) is part of the snapshot.
 */
function warm(runtime: Runtime, context: Context): Outcome {
  const { engine, text } = runtime.platform
  const event = warmHttpEvent(text)
  const env = runtime.environment()
  const lambda = toApiGatewayEvent(event, 0, text)
  if (engine === 'quickjs') {
    // As an async handler's answer: by way of the promises, too.
    return { result: Promise.resolve({ statusCode: 200, headers: { 'x-warm': '1' }, body: lambda.rawPath }), seal: sealLambda }
  }
  const author: FetchFunction = {
    fetch: async (request) => new Response(await request.arrayBuffer(), { headers: { 'x-warm': request.url } }),
  }
  return { result: callFetch(author, event, env, context), seal: sealHttp }
}

/** Sealed and opened, because a real event comes that way. */
function warmHttpEvent(text: Text): HttpEvent {
  const head = {
    type: 'http',
    id: 'warm',
    fn: 'warm',
    deadline: 0,
    method: 'POST',
    url: 'http://localhost/warm?a=b',
    host: 'localhost',
    path: '/warm',
    query: 'a=b',
    parameters: { a: 'b' },
    headers: { accept: '*/*' },
    ascii: true,
  }
  const event = readEvent(sealEnvelope(JSON.stringify(head), new Uint8Array([123, 125]), text), text)
  if (event.type !== 'http') throw new TypeError('the warm-up event was not understood')
  return event
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
