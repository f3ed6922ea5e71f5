/** The module form: `export default { fetch, queue, stream, scheduled }`, named as on other edge platforms. */

/** The environment variables of the function's configuration, without those that the host sets for Lambda's sake. */
export type Env = Readonly<Record<string, string>>

/** What the runtime tells a handler about its invocation. */
export interface Context {
  /** Names the invocation, in the answer's `x-ampoule-request-id` and in the log. */
  readonly requestId: string
  readonly functionName: string
  readonly functionVersion: string
  /** For what other platforms hand over here; always empty. */
  readonly props: Readonly<Record<string, never>>
  /** Milliseconds left until the host ends the invocation. */
  getRemainingTimeInMillis(): number
  /**
   * Sends a message to a queue of the host when the invocation has succeeded; one that fails sends nothing. What is no string is sent as its JSON. Throws a
   * `TypeError` for a queue that the function is not granted (`sends`).
   */
  send(queue: string, body: unknown, options?: SendOptions): void
  /** The invocation's answer waits for `promise`; its rejection fails the invocation. (In the answer's own time: nothing runs after it.) */
  waitUntil(promise: Promise<unknown>): void
  /** Exists for platforms that have a fallback origin; does nothing here. */
  passThroughOnException(): void
}

export interface SendOptions {
  readonly attributes?: Readonly<Record<string, string>>
  /** 0 to 900. */
  readonly delaySeconds?: number
  /** FIFO queues: messages of one group are received in their order. */
  readonly group?: string
  /** FIFO queues: a second message with the same within five minutes is thrown away. */
  readonly deduplication?: string
}

/** What a function's module exports as `default`: any of these. An app with a `fetch` of its own (Hono and others) is one as it is. */
export interface ExportedHandler<E = Env, Body = unknown> {
  fetch?(request: Request, env: E, ctx: Context): Response | Promise<Response>
  /** Ends well: all messages that were not retried are done. Throws: all that were not acknowledged come again. */
  queue?(batch: MessageBatch<Body>, env: E, ctx: Context): void | Promise<void>
  /** Ends well: the batch is done, up to the first record that was retried. Throws: the whole batch comes again. */
  stream?(batch: StreamBatch, env: E, ctx: Context): void | Promise<void>
  /** Throws: the tick is tried again. */
  scheduled?(event: ScheduledEvent, env: E, ctx: Context): void | Promise<void>
}

/** Messages of one queue. */
export interface MessageBatch<Body = unknown> {
  /** The queue's name. */
  readonly queue: string
  readonly messages: readonly Message<Body>[]
  /** Every message is done, save those that `retry` has been called for. */
  ackAll(): void
  /** Every message comes again, save those that `ack` has been called for. */
  retryAll(options?: RetryOptions): void
}

export interface Message<Body = unknown> {
  readonly id: string
  /** When it was sent. */
  readonly timestamp: Date
  /** Deliveries so far, this one counted: 1 at first. */
  readonly attempts: number
  /** What was sent: the text, or bytes where it is not UTF-8. */
  readonly body: string | Uint8Array
  /** What the sender added; empty for nothing. */
  readonly attributes: Readonly<Record<string, string>>
  /** The message group of a FIFO queue. */
  readonly group?: string
  /** The body as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string
  /** The body parsed as JSON. Throws a `SyntaxError` that names the message. */
  json(): Body
  /** The message is done, even if the handler fails later. The first call of `ack` or `retry` counts. */
  ack(): void
  /** The message comes again, after the queue's own delay unless told otherwise. The first call of `ack` or `retry` counts. */
  retry(options?: RetryOptions): void
}

export interface RetryOptions {
  /** From 0 to 43,200 (twelve hours). */
  readonly delaySeconds?: number
}

/** Records of one shard of a stream, in order. */
export interface StreamBatch {
  /** The stream's name. */
  readonly stream: string
  readonly shard: string
  readonly records: readonly StreamRecord[]
  /** Of a trigger with a tumbling window: which one. */
  readonly window?: StreamWindow
  /** Of a window: what the function has put here at its batch before, and keeps for the next one; `{}` in the first one. Values that JSON can hold, up to 1 MB. */
  state?: unknown
  /** The whole batch comes again. */
  retryAll(): void
}

/** A time of a shard, whose records are worked off together. */
export interface StreamWindow {
  readonly start: Date
  /** The first moment that is not in it. */
  readonly end: Date
  /** The last batch of the window: it has no records, and its state goes with it. */
  readonly final: boolean
  /** The window ends before its time, as the shard has ended or the state has grown too large. */
  readonly early: boolean
}

export interface StreamRecord {
  /** Unique in its shard; later records have greater ones. */
  readonly sequenceNumber: string
  readonly partitionKey: string
  readonly data: Uint8Array
  readonly approximateArrivalTimestamp: Date
  /** The data as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string
  /** The data parsed as JSON. Throws a `SyntaxError` that names the record. */
  json(): unknown
  /** This record and all after it come again (a stream keeps its order); those before it are done. */
  retry(): void
}

/** A tick of a schedule. */
export interface ScheduledEvent {
  /** The schedule's name. */
  readonly schedule: string
  /** The schedule's expression. */
  readonly cron: string
  /** When the tick was due, in milliseconds since the epoch; a retry has its tick's time. */
  readonly scheduledTime: number
}
