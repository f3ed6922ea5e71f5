import { decodeBatchAnswer, decodeWindowState, type BatchAnswerOptions, type BatchFailure } from './batch-answer.ts'
import {
  encodeQueueEvent,
  encodeScheduledEvent,
  encodeStreamEvent,
  type Invoked,
  type QueueBatch,
  type ScheduleTick,
  type StreamBatch,
} from './batch-event.ts'
import type { Invocation } from './invocation.ts'
import { invokeEncoded, type EventOutcome, type HostedFunction } from './invoke.ts'

/** The messages that come again; all others are done. */
export interface QueueAnswer {
  readonly failures: readonly BatchFailure[]
}

/**
 * Gives a function messages of a queue. Rejects with an `AmpouleError` when the invocation fails or its answer is not valid: all messages
 * come again then, save what `failuresAfter` says (src/invoke/batch-answer.ts).
 */
export async function invokeQueue(
  target: HostedFunction,
  invocation: Invocation,
  batch: QueueBatch,
  options: BatchAnswerOptions & { readonly invoked?: Invoked } = {},
): Promise<EventOutcome<QueueAnswer>> {
  const ids = batch.messages.map(({ id }) => id)
  return await invokeEncoded(
    target,
    invocation,
    (origin, events) =>
      encodeQueueEvent({ ...origin, ...(options.invoked !== undefined && { invoked: options.invoked }) }, batch, events),
    (payload, events) => ({ failures: decodeBatchAnswer(payload, events, ids, options) }),
  )
}

/** Undefined: the whole batch is done. */
export interface StreamAnswer {
  /** The earliest record that failed: it and all after it come again, those before it are done. */
  readonly failedFrom: string | undefined
  /** Of a batch of a window, as JSON; undefined: the function gave none. */
  readonly state: string | undefined
}

/** Gives a function records of a shard. Rejects with an `AmpouleError` when the invocation fails or its answer is not valid: the whole batch comes again then. */
export async function invokeStream(
  target: HostedFunction,
  invocation: Invocation,
  batch: StreamBatch,
  options: BatchAnswerOptions & { readonly invoked?: Invoked } = {},
): Promise<EventOutcome<StreamAnswer>> {
  const ids = batch.records.map(({ id }) => id)
  return await invokeEncoded(
    target,
    invocation,
    (origin, events) =>
      encodeStreamEvent({ ...origin, ...(options.invoked !== undefined && { invoked: options.invoked }) }, batch, events),
    (payload, events) => {
      const failed = new Set(decodeBatchAnswer(payload, events, ids, options).map(({ id }) => id))
      return {
        failedFrom: ids.find((id) => failed.has(id)),
        state: batch.window === undefined ? undefined : decodeWindowState(payload, events),
      }
    },
  )
}

/** Gives a function a tick of a schedule. Whatever it answers is a success; rejects with an `AmpouleError` when it fails. */
export async function invokeScheduled(
  target: HostedFunction,
  invocation: Invocation,
  tick: ScheduleTick,
  invoked?: Invoked,
): Promise<EventOutcome<undefined>> {
  return await invokeEncoded(
    target,
    invocation,
    (origin, events) => encodeScheduledEvent({ ...origin, ...(invoked !== undefined && { invoked }) }, tick, events),
    () => undefined,
  )
}
