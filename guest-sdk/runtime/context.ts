import type { Context, Environment, EventBase, Failure, LambdaContext } from './function.ts'
import type { SendOptions } from '../types/function.ts'

interface Sent extends SendOptions {
  readonly queue: string
  readonly body: string
}

/** What Lambda tells a function about itself, the same in every invocation. */
export interface Identity {
  readonly functionName: string
  readonly version: string
  readonly arn: string
  readonly memoryMb: string
  readonly logGroup: string
  readonly region: string
  /** Queues that the function may send to; undefined: none. */
  readonly sends: readonly string[] | undefined
}

/** There are no accounts here; as long as AWS's. */
export const ACCOUNT = '000000000000'

/** From the variables that the host sets for every function; where they are missing, from the event. */
export function identify(variables: Environment, fn: string): Identity {
  const functionName = variables.AWS_LAMBDA_FUNCTION_NAME ?? fn
  const region = variables.AWS_REGION ?? 'us-east-1'
  return {
    functionName,
    version: variables.AWS_LAMBDA_FUNCTION_VERSION ?? '$LATEST',
    arn: `arn:aws:lambda:${region}:${ACCOUNT}:function:${functionName}`,
    memoryMb: variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '128',
    logGroup: `/aws/lambda/${functionName}`,
    region,
    sends: variables.AMPOULE_SENDS?.split(/[\s,]+/).filter((queue) => queue !== ''),
  }
}

// Keys and not private fields: those become WeakMaps when they are lowered, at twenty times the price. Symbols are in nobody's log.
const DEADLINE = Symbol('deadline')
export const PENDING = Symbol('pending')
export const FAILURES = Symbol('failures')
export const STATE = Symbol('state')
export const SENT = Symbol('sent')
const SENDS = Symbol('sends')

const NO_PROPS = Object.freeze({})

/** The context of both forms, the module's and Lambda's. Without initialised fields: lowered for QuickJS, they are dear. */
export class InvocationContext implements Context, LambdaContext {
  declare callbackWaitsForEmptyEventLoop: boolean
  declare readonly functionName: string
  declare readonly functionVersion: string
  declare readonly invokedFunctionArn: string
  declare readonly memoryLimitInMB: string
  declare readonly awsRequestId: string
  declare readonly logGroupName: string
  declare readonly clientContext: object | undefined
  declare readonly [DEADLINE]: number;
  /** What was given to `waitUntil`. */
  declare [PENDING]: unknown[] | undefined;
  /** Which parts of a batch come again, as far as its handler has said anything. */
  declare [FAILURES]: (() => readonly Failure[] | undefined) | undefined;
  /** What a window keeps for its next batch. */
  declare [STATE]: (() => unknown) | undefined;
  /** What is sent when it has succeeded. */
  declare [SENT]: Sent[] | undefined
  declare readonly [SENDS]: readonly string[] | undefined

  constructor(event: EventBase, identity: Identity) {
    const { invoked } = event
    this.callbackWaitsForEmptyEventLoop = true
    this.functionName = event.fn
    this.functionVersion = invoked?.version ?? identity.version
    this.invokedFunctionArn = invoked?.arn ?? identity.arn
    this.memoryLimitInMB = identity.memoryMb
    this.awsRequestId = event.id
    this.logGroupName = identity.logGroup
    this.clientContext = invoked?.client
    this[DEADLINE] = event.deadline
    this[PENDING] = undefined
    this[FAILURES] = undefined
    this[STATE] = undefined
    this[SENT] = undefined
    this[SENDS] = identity.sends
  }

  get requestId(): string {
    return this.awsRequestId
  }

  get props(): Readonly<Record<string, never>> {
    return NO_PROPS
  }

  /** One stream per sandbox, as in Lambda; here each invocation has its own. */
  get logStreamName(): string {
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/')
    return `${day}/[${this.functionVersion}]${this.awsRequestId.replaceAll('-', '')}`
  }

  getRemainingTimeInMillis(): number {
    return Math.max(0, this[DEADLINE] - Date.now())
  }

  send(queue: string, body: unknown, options?: SendOptions): void {
    const granted = this[SENDS]
    if (granted?.includes(queue) !== true)
      throw new TypeError(
        `the function may not send to the queue ${JSON.stringify(queue)}: ${granted === undefined ? 'it may send to none' : `granted are ${granted.join(', ')}`} (sends)`,
      )
    const message = { ...options, queue, body: typeof body === 'string' ? body : jsonOf(body, queue) }
    const sent = this[SENT]
    if (sent === undefined) this[SENT] = [message]
    else sent.push(message)
  }

  waitUntil(promise: Promise<unknown>): void {
    const pending = this[PENDING]
    if (pending === undefined) this[PENDING] = [promise]
    else pending.push(promise)
  }

  passThroughOnException(): void {}
}

/** Made before the snapshot, for the first invocation after it: to set two fields is cheaper for an interpreter than to make ten. */
let spare: { readonly context: InvocationContext; readonly identity: Identity } | undefined

export function keepContext(identity: Identity): void {
  spare = { context: new InvocationContext({ id: '', fn: identity.functionName, deadline: 0 }, identity), identity }
}

export function contextOf(event: EventBase, identity: Identity): InvocationContext {
  const kept = spare
  spare = undefined
  if (kept === undefined || kept.identity !== identity || identity.functionName !== event.fn || event.invoked !== undefined)
    return new InvocationContext(event, identity)
  const context: { -readonly [K in keyof InvocationContext]: InvocationContext[K] } = kept.context
  context.awsRequestId = event.id
  context[DEADLINE] = event.deadline
  return kept.context
}

function jsonOf(body: unknown, queue: string): string {
  const json = JSON.stringify(body) as string | undefined
  if (json === undefined)
    throw new TypeError(`a message to the queue ${JSON.stringify(queue)} must be a string or what JSON can hold`)
  return json
}
