import { contextOf, keepContext, PENDING, type InvocationContext } from './context.ts'
import { readEvent } from './event.ts'
import { ExchangedEvent, toAnswer, type Answer, type Exchange } from './exchange.ts'
import { callFetch } from './fetch.ts'
import type { Environment, FunctionEvent, FunctionModule, Handlers } from './function.ts'
import { handlersOf, missingHandler } from './handlers.ts'
import { hooksBefore } from './hooks.ts'
import { fromLambdaResult, keepApiGatewayEvent, toApiGatewayEvent } from './lambda.ts'
import type { Places } from './places.ts'
import { SENT } from './context.ts'
import { asHttpAnswer, sealError, sealFailures, sealHttp, sealLambda, sealNothing, sealPayload, type Outcome } from './outcome.ts'
import { callQueue, toSqsEvent } from './queue.ts'
import type { Runtime } from './runtime.ts'
import { toEventBridgeEvent, toScheduledEvent } from './schedule.ts'
import { callStream, toKinesisEvent } from './stream.ts'
import { warm } from './warm.ts'

export { describeError } from './errors.ts'

export type Handle = (event: Uint8Array) => Uint8Array | Promise<Uint8Array>

export interface Dispatcher {
  readonly handle: Handle
  readonly exchange: Exchange
  /** Looks at the module's exports now, which `handle` otherwise does at the first event. Throws a `TypeError` for what it cannot call. */
  readonly check: () => unknown
  /** Last before the snapshot: makes ahead what the next invocation will want. */
  readonly prepared: () => void
}

/** The `handle` of {@link createDispatcher}. */
export const createHandle = (module: FunctionModule, runtime: Runtime): Handle => createDispatcher(module, runtime).handle

/**
 * Makes the event world's `handle` of an author's module. What `handle` throws is an envelope of `{name, message, stack}`: both
 * engines turn a thrown Uint8Array into the err value of the WIT result.
 */
export function createDispatcher(module: FunctionModule, runtime: Runtime, places: Places = {}): Dispatcher {
  const { platform, random, hooks, identity } = runtime
  const { text, waiting } = platform
  let handlers: Handlers | undefined
  let called: Exclude<FunctionEvent['type'], 'warm'> | undefined
  let running: InvocationContext | undefined

  const check = (): Handlers => {
    handlers ??= handlersOf(module)
    // From now on hooks would come too late.
    hooks.serving = true
    return handlers
  }

  const answer = (event: FunctionEvent, env: Environment, context: InvocationContext): Outcome => {
    if (event.type !== 'warm') {
      called = event.type
      return call(handlers ?? check(), event, env, context, runtime)
    }
    // An engine is warmed before it has its module, too. What is wrong with a module is said to the first event.
    if (module.default !== undefined || module.handler !== undefined) attempt(check)
    return warm(text, (own, like) => {
      const outcome = call(own, like, env, context, runtime)
      if (!isPromise(outcome.result)) outcome.seal(outcome.result, text, context)
      return outcome
    })
  }

  const settleAll = <T>(outcome: Outcome, context: InvocationContext, give: Give<T>): Promise<T> =>
    Promise.resolve(outcome.result).then((value) => {
      const pending = context[PENDING]
      return pending === undefined ? give(outcome, value, context) : settleEach(pending).then(() => give(outcome, value, context))
    })

  const run = <T>(event: FunctionEvent, give: Give<T>): T | Promise<T> => {
    // Also what a Lambda function reads as process.env, and what the context says of the function.
    const env = runtime.environment()
    const context = contextOf(event, identity(event.fn))
    running = context
    const { beforeSnapshot, onInvoke } = hooks
    const before = beforeSnapshot.length === 0 && onInvoke.length === 0 ? undefined : hooksBefore(hooks, event.type, env, context)
    if (waiting === undefined) {
      if (before !== undefined) return before.then(() => settleAll(answer(event, env, context), context, give))
      const outcome = answer(event, env, context)
      if (!isPromise(outcome.result) && context[PENDING] === undefined) return give(outcome, outcome.result, context)
      return settleAll(outcome, context, give)
    }
    try {
      if (before !== undefined) waiting.settle(before)
      const outcome = answer(event, env, context)
      const { result } = outcome
      const value = isPromise(result) ? waiting.settle(result) : result
      const pending = context[PENDING]
      if (pending !== undefined) for (let i = 0; i < pending.length; i++) waiting.settle(pending[i])
      return give(outcome, value, context)
    } finally {
      waiting.clear()
    }
  }

  /** Where the handler begins that has been called. */
  const placeOf = (type: NonNullable<typeof called>): string | undefined =>
    (type === 'invoke' ? undefined : places[type === 'http' ? 'fetch' : type]) ?? places.lambda

  const begin = (): void => {
    random.forget()
    called = undefined
    running = undefined
  }

  const fail = (error: unknown): never => {
    throw sealError(error, text, running, called === undefined ? undefined : placeOf(called))
  }

  const handle: Handle = (bytes) => {
    begin()
    try {
      // StarlingMonkey's bindings hand over an array of another realm, of whose kind `instanceof` knows nothing.
      const event = readEvent(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes), text)
      const result = run(event, seal)
      return result instanceof Uint8Array ? result : result.catch(fail)
    } catch (error) {
      return fail(error)
    }
  }

  const seal: Give<Uint8Array> = (outcome, value, context) => outcome.seal(value, text, context)

  const exchange: Exchange = (head, body, bytes) => {
    begin()
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing is waited for: `waiting` has settled it
      return run(new ExchangedEvent(head, body, bytes), giveAnswer) as Answer
    } catch (error) {
      return fail(error)
    }
  }

  const prepared = (): void => {
    keepContext(identity(''))
    keepApiGatewayEvent()
  }
  return { handle, exchange, check, prepared }
}

/** Makes of what the handler gave what goes over the border. */
type Give<T> = (outcome: Outcome, value: unknown, context: InvocationContext) => T

const giveAnswer: Give<Answer> = ({ answer }, value, context) => {
  const given = answer!(value)
  const sent = context[SENT]
  // There is no head that it could be in.
  if (sent !== undefined) given.headers.push('x-ampoule-sent', JSON.stringify(sent))
  return toAnswer(given)
}

async function settleEach(pending: readonly unknown[]): Promise<void> {
  // A promise that is waited for may add another one.
  for (let i = 0; i < pending.length; i++) await pending[i]
}

function attempt(run: () => unknown): void {
  try {
    run()
  } catch {
    // It is tried again where its error is wanted.
  }
}

/** The module form goes first for what it has, Lambda's handler takes the rest. */
function call(
  handlers: Handlers,
  event: Exclude<FunctionEvent, { readonly type: 'warm' }>,
  env: Environment,
  context: InvocationContext,
  { platform, identity }: Runtime,
): Outcome {
  const { lambda } = handlers
  // Before all others: an interpreter pays for each name that is taken out of an object.
  if (event.type === 'http') {
    const { fetch } = handlers
    if (fetch !== undefined)
      return { result: callFetch(fetch, event, env, context, platform.web), seal: sealHttp, answer: asHttpAnswer }
    if (lambda === undefined) throw missingHandler('http')
    return { result: lambda(toApiGatewayEvent(event, platform.text), context), seal: sealLambda, answer: fromLambdaResult }
  }
  const { queue, stream, scheduled } = handlers
  switch (event.type) {
    case 'invoke':
      if (lambda === undefined) break
      return { result: lambda(event.payload, context), seal: sealPayload }
    case 'queue':
      if (queue !== undefined) return { result: callQueue(queue, event, env, context), seal: sealFailures }
      if (lambda === undefined) break
      return { result: lambda(toSqsEvent(event, identity(event.fn)), context), seal: sealPayload }
    case 'stream':
      if (stream !== undefined) return { result: callStream(stream, event, env, context), seal: sealFailures }
      if (lambda === undefined) break
      return { result: lambda(toKinesisEvent(event, identity(event.fn)), context), seal: sealPayload }
    case 'scheduled':
      if (scheduled !== undefined)
        return { result: scheduled.scheduled(toScheduledEvent(event), env, context), seal: sealNothing }
      if (lambda === undefined) break
      return { result: lambda(toEventBridgeEvent(event, identity(event.fn)), context), seal: sealNothing }
    default:
      event satisfies never
  }
  throw missingHandler(event.type)
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
