import type { BatchFailure } from '../invoke/batch-answer.ts'

export type { BatchFailure } from '../invoke/batch-answer.ts'

/** What a function is tested with; what is left out is as in `ampoule.jsonc`, whose bounds hold here as well. */
export interface LoadOptions {
  /** Default `starlingmonkey`. */
  readonly engine?: 'starlingmonkey' | 'quickjs'
  /** How requests reach the function. Default: as a server would find out. */
  readonly kind?: 'event' | 'wasi-http'
  readonly limits?: TestLimits
  /** Environment variables; nothing of the test's own is passed on. Default none. */
  readonly environment?: Readonly<Record<string, string>>
  /** Queues that the function may send to, with commas between. Default none. */
  readonly sends?: string
  /** What the function finds as its name. Default `function`. */
  readonly name?: string
  /**
   * A module that is loaded into the sandbox before the function, in JavaScript or TypeScript: its export `fetch(request)` answers the
   * function's outbound requests, which are denied without it. A path or a `URL`, as the function's source is.
   */
  readonly stubs?: string | URL
}

export interface TestLimits {
  /** MiB. Default 128. */
  readonly memoryMb?: number
  /** Default 3000. */
  readonly timeoutMs?: number
  /** Units. Default: about twice what `timeoutMs` allows. */
  readonly fuel?: number
  readonly maxRequestBytes?: number
  readonly maxResponseBytes?: number
}

/** A message to a queue. */
export interface SentMessage {
  readonly queue: string
  /** `body` (text), and what of `attributes`, `delaySeconds`, `group` and `deduplication` was given. */
  readonly message: Readonly<Record<string, unknown>>
}

/**
 * One function; each call is an invocation in a sandbox of its own, and calls may overlap. They reject with the `AmpouleError` that a
 * server would report: code `FunctionError` with `details` (name, message, stack in the author's files) where the function threw,
 * `DeadlineExceeded`, `MemoryExceeded` and so on.
 */
export interface TestedFunction extends AsyncDisposable {
  readonly name: string
  /** Lines that the function has logged so far, in all invocations, oldest first. */
  readonly logs: readonly LogLine[]
  /** What it has sent to queues (`ctx.send`), which goes nowhere in a test; oldest first. */
  readonly sent: readonly SentMessage[]
  clearLogs(): void
  /**
   * An HTTP request: a path (`/x`), a URL, or a `Request`. The answer is what a server would send, and has its header
   * `x-ampoule-request-id`. Redirects are not followed.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** A direct invocation; the payload, and what it answers with, as JSON has them. */
  invoke(payload?: unknown): Promise<unknown>
  /** One batch of messages. Gives those that come again. */
  queue(batch: QueueInput): Promise<{ readonly failures: readonly BatchFailure[] }>
  /** One batch of records of a shard. Gives the first record that comes again with all after it; undefined: all are done. */
  stream(batch: StreamInput): Promise<{ readonly failedFrom: string | undefined }>
  /** One tick of a schedule. */
  scheduled(tick?: ScheduleInput): Promise<void>
  /** Ends what runs and gives the memory back. */
  close(): Promise<void>
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr'
  readonly message: string
  /** Of the invocation; `fetch` answers with it. */
  readonly requestId: string
}

/** Messages, or a batch of a named queue (default `queue`). */
export type QueueInput =
  | readonly (string | QueueMessageInput)[]
  | { readonly queue?: string; readonly messages: readonly (string | QueueMessageInput)[] }

export interface QueueMessageInput {
  /** A text, bytes, or anything else of JSON, which is sent as JSON. */
  readonly body: unknown
  /** Default: a random one. */
  readonly id?: string
  /** This delivery counted. Default 1. */
  readonly attempts?: number
  /** ISO 8601, or milliseconds since the epoch. Default now. */
  readonly timestamp?: string | number
  readonly attributes?: Readonly<Record<string, string>>
  /** Message group of a FIFO queue. */
  readonly group?: string
}

/** Records, or a batch of a named stream (default `stream`) and shard (default `shard-0`). */
export type StreamInput =
  | readonly (string | StreamRecordInput)[]
  | { readonly stream?: string; readonly shard?: string; readonly records: readonly (string | StreamRecordInput)[] }

export interface StreamRecordInput {
  /** A text, bytes, or anything else of JSON, which is sent as JSON. */
  readonly data: unknown
  /** Partition key. Default ''. */
  readonly key?: string
  /** Sequence number. Default: 1, 2, … */
  readonly id?: string
  /** ISO 8601, or milliseconds since the epoch. Default now. */
  readonly timestamp?: string | number
}

export interface ScheduleInput {
  /** The schedule's name. Default `schedule`. */
  readonly schedule?: string
  /** Default `* * * * *`. */
  readonly cron?: string
  /** When it was due: ISO 8601, or milliseconds since the epoch. Default now. */
  readonly time?: string | number | Date
}
