import type { Context, Env, ExportedHandler } from '../types/function.ts'
import type { Handler, LambdaContext } from '../types/lambda.ts'

export type { Context, LambdaContext }

/** The environment variables of the function's configuration. */
export type Environment = Env

/** The author's handlers, by what they are given. Each may be missing. */
export interface Handlers {
  readonly fetch: With<'fetch'> | undefined
  readonly queue: With<'queue'> | undefined
  readonly stream: With<'stream'> | undefined
  readonly scheduled: With<'scheduled'> | undefined
  readonly lambda: Handler | undefined
}

/** `export default { fetch }` and the like: called on their object. A Hono app is one as it is. */
export type With<K extends keyof ExportedHandler> = Required<Pick<ExportedHandler, K>>

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
  /** Absent where the engine has Request and Response itself. */
  readonly web?: Web
}

/** Between an event and what a `fetch` function takes and gives. */
export interface Web {
  requestOf(event: HttpEvent): Request
  /** undefined for what is no Response. */
  takeResponse(value: unknown): HttpAnswer | Promise<HttpAnswer> | undefined
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
  /** What of the function was asked for; absent when it is its latest state. */
  readonly invoked?: { readonly version?: string; readonly arn?: string; readonly client?: object } | undefined
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
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** Names in lower case, values of one name joined by commas, without cookies. */
  readonly headers: Readonly<Record<string, string>>
  /** Each cookie of all `cookie` headers; absent when there is none. */
  readonly cookies?: readonly string[] | undefined
  /** All headers in order, where `headers` does not say everything: a name came twice, or there are cookies. */
  readonly list?: readonly (readonly [name: string, value: string])[] | undefined
  /** All bytes of the body are ASCII. */
  readonly ascii?: boolean
  /** Null as well where the body came as `text`. */
  readonly body: Uint8Array | null
  readonly text?: string | undefined
  /** When the host took the request: milliseconds since the epoch, and the same as an ISO 8601 date; the engine's clock is asked where they are missing. */
  readonly now?: number
  readonly time?: string
}

interface InvokeEvent extends EventBase {
  readonly type: 'invoke'
  readonly payload: unknown
}

interface WarmEvent extends EventBase {
  readonly type: 'warm'
}

export interface QueueEvent extends EventBase {
  readonly type: 'queue'
  readonly queue: string
  readonly messages: readonly QueueMessage[]
}

export interface QueueMessage {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly attempts: number
  /** Bytes where the message is not text. */
  readonly body: string | Uint8Array
  /** Hexadecimal. */
  readonly md5: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly group?: string
  readonly deduplication?: string
  readonly sequence?: string
}

export interface StreamEvent extends EventBase {
  readonly type: 'stream'
  readonly stream: string
  readonly shard: string
  readonly records: readonly StreamEventRecord[]
  readonly window?: StreamEventWindow
}

export interface StreamEventWindow {
  /** Milliseconds since the epoch. */
  readonly start: number
  readonly end: number
  readonly state: unknown
  readonly final: boolean
  readonly early: boolean
}

export interface StreamEventRecord {
  /** The sequence number. */
  readonly id: string
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly data: Uint8Array
}

export interface ScheduledTick extends EventBase {
  readonly type: 'scheduled'
  readonly schedule: string
  readonly cron: string
  /** Milliseconds since the epoch. */
  readonly time: number
}

export type FunctionEvent = HttpEvent | InvokeEvent | QueueEvent | StreamEvent | ScheduledTick | WarmEvent

/** A part of a batch that comes again: a message's or a record's id. */
export interface Failure {
  readonly id: string
  /** Seconds. */
  readonly delay?: number
}

export interface HttpAnswer {
  readonly status: number
  /** Names and values by turns: an array for each pair would cost an interpreter as much as all the rest of the answer. */
  readonly headers: string[]
  readonly body: Uint8Array | string | null
}
