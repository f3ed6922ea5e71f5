import type { LambdaErrorType } from '../functions/lambda-error.ts'
import type { FunctionReference } from '../functions/arn.ts'
import type { Caller } from '../identity/caller.ts'
import type { BatchFailure } from '../invoke/batch-answer.ts'
import type { QueueBatch, StreamBatch } from '../invoke/batch-event.ts'
import type { Route } from '../invoke/route.ts'
import type { SentMessage } from '../invoke/sent.ts'
import type { Attempt, EventInvocationRecord, RouteRecord } from '../store/records.ts'
import type { Lineage } from './lineage.ts'
import type { Changed } from './residence.ts'

/*
 * What lanes ask the main thread, where the control plane is. Lanes run invocations themselves and keep the routes that they were given; every
 * other request to the management API goes to the main thread as it came.
 */

export type Question =
  | { readonly kind: 'route'; readonly reference: FunctionReference }
  | { readonly kind: 'request'; readonly request: ForwardedRequest }
  /** Answered with a `UrlRoute`, or undefined. */
  | { readonly kind: 'url'; readonly urlId: string }
  /** Answered with an {@link EventAnswer}. */
  | { readonly kind: 'event'; readonly event: AcceptedEvent }
  /** Answered with a {@link TakenEvent} or undefined. */
  | { readonly kind: 'take-event' }
  /** Answered with all {@link ManagedRoute}s. */
  | { readonly kind: 'routes' }
  /** Answered with a {@link LinkAnswer}. */
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'settle-event'; readonly id: string; readonly outcome: EventOutcome }
  /** Answered with up to `limit` {@link TakenBatch}es. */
  | { readonly kind: 'take-batches'; readonly limit: number }
  | { readonly kind: 'settle-batch'; readonly mapping: string; readonly id: string; readonly outcome: BatchOutcome }
  /** Messages of a function to queues that it is granted; answered with an {@link EventAnswer} when they are on disk. */
  | {
      readonly kind: 'send'
      readonly name: string
      readonly lineage: Lineage | undefined
      readonly messages: readonly SentMessage[]
    }
  /** Answered with what the host cannot do now, or undefined. */
  | { readonly kind: 'trouble' }
  /** What invocations logged and took (src/observe/logs/batch.ts); answered when it is kept. */
  | { readonly kind: 'logs'; readonly batch: Uint8Array<ArrayBuffer> }

/** What lanes are told. */
export type Told =
  Changed | { readonly events: true } | { readonly batches: true } | { readonly routes: readonly ManagedRoute[] } | LogsWanted

/** Somebody is about to read logs or usage: lanes hand over what they have of it. */
export interface LogsWanted {
  readonly logs: true
}

/** An asynchronous invocation that a lane has checked. */
export type AcceptedEvent = Omit<EventInvocationRecord, 'id' | 'acceptedAt' | 'attempts' | 'dueMs' | 'lineage'>

export interface TakenEvent extends EventInvocationRecord {
  /** Whether somebody wants to know what a function has answered that did not fail. */
  readonly answerWanted: boolean
}

/** `later`: it could not be run. `refused`: it never can be. */
export type EventOutcome =
  | { readonly kind: 'done'; readonly attempt: Attempt }
  | { readonly kind: 'refused'; readonly attempt: Attempt }
  | { readonly kind: 'later' }

/** Messages of a queue or records of a stream for a function. */
export type TakenBatch =
  | ({ readonly kind: 'queue'; readonly lineage: Lineage | undefined } & QueueBatch & Taken)
  | ({ readonly kind: 'stream' } & StreamBatch & Taken)

interface Taken {
  readonly id: string
  /** The event source mapping's UUID. */
  readonly mapping: string
  /** The function's. */
  readonly name: string
  readonly qualifier: string | undefined
  /** Whether `batchItemFailures` of Lambda's handlers count; otherwise a batch fails as a whole or not at all. */
  readonly partial: boolean
}

/** What has become of messages. `later`: they could not be given to the function. */
export type QueueOutcome = { readonly kind: 'done'; readonly failures: readonly BatchFailure[] } | { readonly kind: 'later' }

/**
 * What has become of records: those from `failedFrom` on have failed; undefined: none has. The last batch of a window, which has none, has failed with any.
 * `state`: of the window, as JSON; undefined: it stays as it was.
 */
export type StreamOutcome =
  | {
      readonly kind: 'records'
      readonly failedFrom: string | undefined
      readonly state?: string | undefined
      readonly requestId: string | undefined
    }
  | { readonly kind: 'later' }

export type BatchOutcome = QueueOutcome | StreamOutcome

export type EventAnswer = { readonly ok: true } | Refusal

/** A route of the port of the functions, in the form of `ampoule.jsonc`, to a function of the API. */
export type ManagedRoute = RouteRecord

/** What a link leads to. */
export type LinkAnswer = { readonly ok: true; readonly sha256: string; readonly path: string; readonly bytes: number } | Refusal

interface Refusal {
  readonly ok: false
  readonly type: LambdaErrorType
  readonly message: string
  readonly members: Readonly<Record<string, string>>
}

export interface ForwardedRequest {
  readonly method: string
  /** Absolute. */
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array<ArrayBuffer>
  /** Verified where requests have to be signed. */
  readonly caller: Caller
}

export interface ForwardedAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

export type RouteAnswer = { readonly ok: true; readonly route: Route } | Refusal
