import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { EventForm } from '../component/contract.ts'
import { encodeEnvelope } from '../engine/envelope.ts'
import { encodeMessage } from './message.ts'

/** What every event says of its invocation. */
export interface EventOrigin {
  readonly id: string
  readonly functionName: string
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number
  readonly invoked?: Invoked
}

/** What of a function was asked for, and by whom (docs/events.md). */
export interface Invoked {
  readonly version: string
  readonly arn: string
  /** Lambda's client context: an object of the caller's. */
  readonly client?: object
}

/** Messages of one queue, for one invocation. */
export interface QueueBatch {
  /** The queue's name. */
  readonly queue: string
  readonly messages: readonly QueueMessage[]
}

export interface QueueMessage {
  /** Unique in the batch. */
  readonly id: string
  /** When it was sent: milliseconds since the epoch. */
  readonly timestampMs: number
  /** Deliveries so far, this one counted. */
  readonly attempts: number
  readonly body: string | Uint8Array
  readonly attributes?: Readonly<Record<string, string>>
  /** Message group of a FIFO queue. */
  readonly group?: string
  /** Deduplication id of a FIFO queue. */
  readonly deduplication?: string
  /** Sequence number in a FIFO queue. */
  readonly sequence?: string
}

/** Records of one shard of a stream, in order, for one invocation. */
export interface StreamBatch {
  /** The stream's name. */
  readonly stream: string
  readonly shard: string
  readonly records: readonly StreamRecord[]
  readonly window?: StreamWindow
}

/** A tumbling window (AWS Lambda, "Tumbling windows"). */
export interface StreamWindow {
  /** Milliseconds since the epoch. */
  readonly startMs: number
  readonly endMs: number
  /** JSON: what the function gave for the batch before; `{}` at first. */
  readonly state: string
  /** Nothing more of it comes; there are no records. */
  readonly final: boolean
  readonly early: boolean
}

export interface StreamRecord {
  /** Sequence number, unique in the shard. */
  readonly id: string
  /** Partition key. */
  readonly key: string
  /** When it arrived: milliseconds since the epoch. */
  readonly timestampMs: number
  readonly data: Uint8Array
}

/** One tick of a schedule. */
export interface ScheduleTick {
  /** The schedule's name. */
  readonly schedule: string
  /** Its expression. */
  readonly cron: string
  /** When the tick was due: milliseconds since the epoch. */
  readonly timeMs: number
}

/** A `queue` event (docs/events.md) in the form that the runner's `events` names. */
export function encodeQueueEvent(origin: EventOrigin, { queue, messages }: QueueBatch, events: EventForm): Uint8Array {
  const bytes: Uint8Array[] = []
  const list = messages.map(({ id, timestampMs: timestamp, attempts, body, attributes, group, deduplication, sequence }) => {
    const content = typeof body === 'string' || !isUtf8(body) ? body : Buffer.from(body).toString()
    const optional = {
      ...(attributes !== undefined && { attributes }),
      ...(group !== undefined && { group }),
      ...(deduplication !== undefined && { deduplication }),
      ...(sequence !== undefined && { sequence }),
    }
    if (events === 'msgpack') return { id, timestamp, attempts, body: content, ...optional }
    // Lambda's md5OfBody; its guest would take a hundred times as long.
    const md5 = hash('md5', content)
    if (typeof content === 'string') return { id, timestamp, attempts, body: content, md5, ...optional }
    bytes.push(content)
    return { id, timestamp, attempts, bytes: content.byteLength, md5, ...optional }
  })
  return encode({ ...base('queue', origin), queue, messages: list }, bytes, events)
}

/** A `stream` event (docs/events.md) in the form that the runner's `events` names. */
export function encodeStreamEvent(
  origin: EventOrigin,
  { stream, shard, records, window }: StreamBatch,
  events: EventForm,
): Uint8Array {
  const list = records.map(({ id, key, timestampMs: timestamp, data }) =>
    events === 'msgpack' ? { id, key, timestamp, data } : { id, key, timestamp, bytes: data.byteLength },
  )
  const bytes = records.map(({ data }) => data)
  return encode(
    { ...base('stream', origin), stream, shard, records: list, ...(window !== undefined && { window: told(window) }) },
    bytes,
    events,
  )
}

const told = ({ startMs: start, endMs: end, state, final, early }: StreamWindow): object => ({
  start,
  end,
  state: JSON.parse(state) as unknown,
  final,
  early,
})

/** A `scheduled` event (docs/events.md) in the form that the runner's `events` names. */
export function encodeScheduledEvent(
  origin: EventOrigin,
  { schedule, cron, timeMs: time }: ScheduleTick,
  events: EventForm,
): Uint8Array {
  return encode({ ...base('scheduled', origin), schedule, cron, time }, [], events)
}

const base = (type: string, { id, functionName: fn, deadlineMs: deadline, invoked }: EventOrigin): object => ({
  type,
  id,
  fn,
  deadline,
  ...(invoked !== undefined && { invoked }),
})

/** `bytes`: what the head only gives the lengths of, in the form `json`. */
const encode = (head: object, bytes: readonly Uint8Array[], events: EventForm): Uint8Array =>
  events === 'msgpack' ? encodeMessage(head) : encodeEnvelope(head, bytes.length === 0 ? null : Buffer.concat(bytes))
