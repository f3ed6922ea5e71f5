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

/** Strings and bytes, by what the engine does natively: in an interpreter a loop over the characters costs more than all the rest. */
export interface Text {
  /** What is not ASCII becomes any character. */
  fromAscii(bytes: Uint8Array): string
  /** UTF-8 (Encoding Standard), a byte order mark kept; undefined when the bytes are not UTF-8. */
  fromUtf8(bytes: Uint8Array): string | undefined
  /** A lone surrogate becomes U+FFFD. */
  toUtf8(text: string): Uint8Array
}

/** The part that differs between the JavaScript engines. */
export interface Platform {
  readonly engine: 'starlingmonkey' | 'quickjs'
  readonly text: Text
  /** 128 bits from `wasi:random`, live: never part of a snapshot. */
  entropy(): Uint32Array
  /** Asks the host; fails while the component is being built. */
  readEnvironment(): Environment
  /** Absent where the engine itself waits for promises. */
  readonly waiting?: Waiting
}

/** How an invocation waits without the engine's help. */
export interface Waiting {
  /** Runs jobs and timers until `promise` is settled, returns its value or throws its reason. What is no promise is the value. */
  settle(promise: unknown): unknown
  /** Forgets jobs and timers that are left: the end of the invocation. */
  clear(): void
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
  readonly host: string
  readonly path: string
  /** '' for none. */
  readonly query: string
  /** Decoded; values of one name are joined by commas. Absent when there is no query. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Names in lower case, values of one name joined by commas, without cookies. */
  readonly headers: Readonly<Record<string, string>>
  /** Each cookie of all `cookie` headers; absent when there is none. */
  readonly cookies?: readonly string[]
  /** All headers in order, where `headers` does not say everything: a name came twice, or there are cookies. */
  readonly list?: readonly (readonly [name: string, value: string])[]
  /** All bytes of the body are ASCII. */
  readonly ascii?: boolean
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
  readonly headers: (readonly [name: string, value: string])[]
  readonly body: Uint8Array | string | null
}
