import { randomUUID } from 'node:crypto'
import { AmpouleError } from '../errors.ts'
import type { QueueBatch, QueueMessage, ScheduleTick, StreamBatch, StreamRecord } from './batch-event.ts'

/**
 * Batches as people write them, in JSON: only what matters has to be there. Everything here throws `InvalidRequest`, which says where
 * and what was expected. `now` is in milliseconds since the epoch.
 */

/** `[message, …]` or `{ queue?, messages: [message, …] }`; a message is a text, or `{ body, id?, attempts?, timestamp?, attributes?, group? }`. */
export function readQueueBatch(value: unknown, now: number): QueueBatch {
  const { name, list } = readBatch(value, 'queue', 'messages')
  const messages = list.map((item, index): QueueMessage => {
    const place = `messages[${index}]`
    const fields = asObject(typeof item === 'string' ? { body: item } : item, place, 'a text, or an object with "body"')
    const { attributes } = fields
    if (attributes !== undefined && !isTexts(attributes)) throw invalid(`${place}.attributes`, 'an object of texts', attributes)
    const group = optionalText(fields.group, `${place}.group`)
    return {
      id: optionalText(fields.id, `${place}.id`) ?? randomUUID(),
      timestampMs: readTime(fields.timestamp, `${place}.timestamp`, now),
      attempts: readCount(fields.attempts, `${place}.attempts`),
      body: readContent(fields, 'body', place),
      ...(attributes !== undefined && { attributes }),
      ...(group !== undefined && { group }),
    }
  })
  return { queue: name, messages: unique(messages, 'messages') }
}

/** `[record, …]` or `{ stream?, shard?, records: [record, …] }`; a record is a text, or `{ data, key?, id?, timestamp? }` (`base64` in the place of `data` for bytes). */
export function readStreamBatch(value: unknown, now: number): StreamBatch {
  const { name, list, fields: batch } = readBatch(value, 'stream', 'records')
  const records = list.map((item, index): StreamRecord => {
    const place = `records[${index}]`
    const fields = asObject(typeof item === 'string' ? { data: item } : item, place, 'a text, or an object with "data"')
    const data = readContent(fields, 'data', place)
    return {
      id: optionalText(fields.id, `${place}.id`) ?? String(index + 1),
      key: optionalText(fields.key, `${place}.key`) ?? '',
      timestampMs: readTime(fields.timestamp, `${place}.timestamp`, now),
      data: typeof data === 'string' ? Buffer.from(data) : data,
    }
  })
  return { stream: name, shard: optionalText(batch.shard, 'shard') ?? 'shard-0', records: unique(records, 'records') }
}

/** `null`, or `{ schedule?, cron?, time? }`; the time as ISO 8601 or milliseconds since the epoch, `now` when left out. */
export function readScheduleTick(value: unknown, now: number): ScheduleTick {
  const fields = asObject(value ?? {}, 'the tick', 'an object with "schedule", "cron" and "time", each optional')
  return {
    schedule: optionalText(fields.schedule, 'schedule') ?? 'schedule',
    cron: optionalText(fields.cron, 'cron') ?? '* * * * *',
    timeMs: readTime(fields.time, 'time', now),
  }
}

type Fields = Readonly<Record<string, unknown>>

function readBatch(
  value: unknown,
  kind: string,
  of: string,
): { readonly name: string; readonly list: readonly unknown[]; readonly fields: Fields } {
  const fields: Fields = Array.isArray(value)
    ? { [of]: value }
    : asObject(value, 'the batch', `a list, or an object with "${of}"`)
  const list: unknown = fields[of]
  if (!Array.isArray(list)) throw invalid(of, 'a list', list)
  return { name: optionalText(fields[kind], kind) ?? kind, list, fields }
}

/** A text as it is, anything else of JSON as its JSON; `base64` stands for bytes. */
function readContent(fields: Fields, key: string, place: string): string | Uint8Array {
  const { base64 } = fields
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  const content = fields[key]
  if (content === undefined) throw invalid(`${place}.${key}`, 'a text or any other value', content)
  return typeof content === 'string' ? content : JSON.stringify(content)
}

function readTime(value: unknown, place: string, now: number): number {
  if (value === undefined) return now
  const time = typeof value === 'string' ? Date.parse(value) : value
  // What a Date holds.
  if (typeof time !== 'number' || !(Math.abs(time) <= 8.64e15))
    throw invalid(place, 'a time (ISO 8601, or milliseconds since the epoch)', value)
  return time
}

function readCount(value: unknown, place: string): number {
  if (value === undefined) return 1
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw invalid(place, 'an integer from 1', value)
  return value
}

function optionalText(value: unknown, place: string): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || value === '')) throw invalid(place, 'a text that is not empty', value)
  return value
}

function unique<T extends { readonly id: string }>(parts: readonly T[], of: string): readonly T[] {
  const seen = new Set<string>()
  for (const { id } of parts) {
    if (seen.has(id)) throw new AmpouleError('InvalidRequest', `two of ${of} have the id ${JSON.stringify(id)}`)
    seen.add(id)
  }
  return parts
}

function asObject(value: unknown, place: string, wanted: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(place, wanted, value)
  return Object.fromEntries(Object.entries(value))
}

const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((text) => typeof text === 'string')

function invalid(place: string, wanted: string, value: unknown): AmpouleError {
  const found = value === undefined ? 'is missing' : `is ${(JSON.stringify(value) ?? 'nothing').slice(0, 60)}`
  return new AmpouleError('InvalidRequest', `${place} ${found}, expected ${wanted}`)
}
