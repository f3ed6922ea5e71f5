/** What the runtime tells a function about the invocation. A superset of the context of AWS Lambda's Node.js runtime. */
export interface Context {
  readonly awsRequestId: string
  readonly functionName: string
  readonly functionVersion: string
  /** Milliseconds left until the host ends the invocation. */
  getRemainingTimeInMillis(): number
  /** The invocation's answer waits for `promise`; its rejection fails the invocation. (In the answer's own time: nothing runs after it.) */
  waitUntil(promise: Promise<unknown>): void
  /** Exists for platforms that have a fallback origin; does nothing here. Hono calls it. */
  passThroughOnException(): void
}

/** The environment variables of the function's configuration. */
export type Environment = Readonly<Record<string, string>>

/** `export default { fetch }`: a web-standard function. A Hono app is one as it is. */
export interface FetchFunction {
  fetch(request: Request, env: Environment, context: Context): Response | Promise<Response>
}

/** `export const handler`: a function in the shape of AWS Lambda. Gets API Gateway's HTTP event (2.0) or the payload of an invocation. */
export type LambdaHandler = (event: unknown, context: Context) => unknown

/** What a function's module may export. */
export interface FunctionModule {
  readonly default?: unknown
  readonly handler?: unknown
}

/** The part that differs between the JavaScript engines. */
export interface Platform {
  readonly engine: 'starlingmonkey' | 'quickjs'
  /** 128 bits from `wasi:random`, live: never part of a snapshot. */
  entropy(): Uint32Array
  /** Asks the host; fails while the component is being built. */
  readEnvironment(): Environment
  /** Runs jobs and timers until `promise` is settled, returns its value or throws its reason. Absent where the engine itself waits for promises. */
  readonly settle?: (promise: Promise<unknown>) => unknown
}

export interface EventBase {
  readonly id: string
  readonly fn: string
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

export interface HttpEvent extends EventBase {
  readonly type: 'http'
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | null
}

interface InvokeEvent extends EventBase {
  readonly type: 'invoke'
  readonly payload: unknown
}

interface WarmEvent extends EventBase {
  readonly type: 'warm'
}

export type FunctionEvent = HttpEvent | InvokeEvent | WarmEvent

export interface HttpAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | string | null
}
