import { openEnvelope } from './envelope.ts'
import type { EventBase, FunctionEvent, HttpEvent, QueueMessage, StreamEventRecord, StreamEventWindow, Text } from './function.ts'

/** Reads an event of the form `json` (docs/events.md). Throws a `TypeError` for what is none. */
export function readEvent(bytes: Uint8Array, text: Text): FunctionEvent {
  const { head, body } = openEnvelope(bytes, text)
  // Most events, made by the host key by key: to look at each again would cost an interpreter more than to read them.
  if (isHttp(head)) {
    head.body = body
    return head
  }
  if (!isRecord(head) || !isBase(head)) throw new TypeError("the event's head has no id, fn and deadline")
  const { id, fn, deadline, invoked } = head
  switch (head.type) {
    case 'http':
      throw new TypeError('the http event has no method, URL or headers as docs/events.md describes them')
    case 'invoke':
      return { type: 'invoke', id, fn, deadline, invoked, payload: head.payload ?? null }
    case 'queue': {
      const { queue, messages } = head
      if (typeof queue !== 'string' || !isList(messages)) throw new TypeError('the queue event has no queue or messages')
      placeBytes(messages, 'body', body)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by the host
      return { type: 'queue', id, fn, deadline, invoked, queue, messages: messages as unknown as QueueMessage[] }
    }
    case 'stream': {
      const { stream, shard, records, window } = head
      if (typeof stream !== 'string' || typeof shard !== 'string' || !isList(records))
        throw new TypeError('the stream event has no stream, shard or records')
      placeBytes(records, 'data', body)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by the host
      return {
        type: 'stream',
        id,
        fn,
        deadline,
        invoked,
        stream,
        shard,
        records: records as unknown as StreamEventRecord[],
        ...(window !== undefined && { window: window as unknown as StreamEventWindow }),
      }
    }
    case 'scheduled': {
      const { schedule, cron, time } = head
      if (typeof schedule !== 'string' || typeof cron !== 'string' || typeof time !== 'number')
        throw new TypeError('the scheduled event has no schedule, cron or time')
      return { type: 'scheduled', id, fn, deadline, invoked, schedule, cron, time }
    }
    case 'warm':
      return { type: 'warm', id, fn, deadline }
    default:
      throw new TypeError(`an event of type ${JSON.stringify(head.type)} is not one that docs/events.md describes`)
  }
}

/** Gives each part of a batch that says `bytes` its own bytes of the event's body, where they stand one after the other. */
function placeBytes(parts: Record<string, unknown>[], key: string, body: Uint8Array | null): void {
  let at = 0
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]
    if (part === undefined || typeof part.bytes !== 'number') continue
    part[key] = body === null ? new Uint8Array() : body.subarray(at, at + part.bytes)
    at += part.bytes
  }
  if (at !== (body?.length ?? 0)) throw new TypeError(`the event has ${body?.length ?? 0} bytes where its batch says ${at}`)
}

type Head = Record<string, unknown> & EventBase

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isList = (value: unknown): value is Record<string, unknown>[] => Array.isArray(value) && value.every(isRecord)

const isBase = (head: Record<string, unknown>): head is Head =>
  typeof head.id === 'string' &&
  typeof head.fn === 'string' &&
  typeof head.deadline === 'number' &&
  (head.invoked === undefined || isRecord(head.invoked))

const isHttp = (head: unknown): head is { -readonly [K in keyof HttpEvent]: HttpEvent[K] } =>
  typeof head === 'object' &&
  head !== null &&
  'type' in head &&
  head.type === 'http' &&
  'url' in head &&
  typeof head.url === 'string'
