import { parseFunctionReference, type Account } from '../../functions/arn.ts'
import { parseHttpDestinationArn } from '../../functions/http-destination.ts'
import { parseQueueArn } from '../../functions/queue-arn.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import { parseStreamArn } from '../../functions/stream-arn.ts'
import type { NewMessage } from '../../store/queue.ts'
import type { NewStreamRecord } from '../../store/stream.ts'
import type { EventInvocationRecord } from '../../store/records.ts'
import type { Store } from '../../store/contract.ts'
import { cutMessage, MAX_RECURSION } from '../lineage.ts'
import { versionOf } from '../versions.ts'
import { deadLetterAttributes, invocationEvent, invocationRecord, type Ended } from './invocation-record.ts'
import { NO_SETTINGS, type Settings } from './retries.ts'

export interface DeliveryOptions {
  readonly store: Store
  readonly account: Account
  /** Functions of `ampoule.jsonc`: they have no record. */
  readonly taken: ReadonlySet<string>
  readonly uuid: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What is left to do of an event that has ended. */
export interface Deliveries {
  readonly messages: readonly { readonly queue: string; readonly message: NewMessage }[]
  readonly records: readonly { readonly stream: string; readonly record: NewStreamRecord }[]
  /** CloudEvents for HTTP destinations, by their names. */
  readonly posts: readonly { readonly destination: string; readonly event: string }[]
  readonly events: readonly EventInvocationRecord[]
  /** What could not be delivered, in words. */
  readonly problems: readonly string[]
}

/** For one that is forgotten. */
export const NOTHING: Deliveries = { messages: [], records: [], posts: [], events: [], problems: [] }

/** Settings of asynchronous invocations of what was invoked. */
export const settingsOf = async (
  { name, qualifier = '$LATEST' }: Pick<EventInvocationRecord, 'name' | 'qualifier'>,
  store: Store,
): Promise<Settings> => (await store.get('event_invoke_configs', [name, qualifier])) ?? NO_SETTINGS

/** Where an event goes that has ended: its dead-letter queue where it failed, and its destination. */
export async function deliveriesOf(ended: Ended, settings: Settings, options: DeliveryOptions): Promise<Deliveries> {
  const succeeded = ended.condition === 'Success'
  const target = succeeded ? settings.onSuccess : settings.onFailure
  return join([
    succeeded ? NOTHING : await toDeadLetters(ended, options),
    target === undefined ? NOTHING : await toDestination(target, ended, options),
  ])
}

async function toDeadLetters(ended: Ended, { store, account, uuid }: DeliveryOptions): Promise<Deliveries> {
  const version = await versionOf(ended.event, store)
  const queue = version?.definition.deadLetter === undefined ? undefined : parseQueueArn(version.definition.deadLetter, account)
  if (queue === undefined) return NOTHING
  const body = Buffer.from(ended.event.payload)
  const attributes = { messageAttributes: deadLetterAttributes(ended) }
  return { ...NOTHING, messages: [{ queue, message: { id: uuid(), body, attributes } }] }
}

async function toDestination(target: string, ended: Ended, options: DeliveryOptions): Promise<Deliveries> {
  const { account, uuid, now } = options
  const payload = invocationRecord(ended, account, now())
  const queue = parseQueueArn(target, account)
  if (queue !== undefined) return { ...NOTHING, messages: [{ queue, message: { id: uuid(), body: Buffer.from(payload) } }] }
  const stream = parseStreamArn(target, account)
  if (stream !== undefined)
    return { ...NOTHING, records: [{ stream, record: { key: ended.event.requestId, data: Buffer.from(payload) } }] }
  const destination = parseHttpDestinationArn(target, account)
  if (destination !== undefined)
    return { ...NOTHING, posts: [{ destination, event: invocationEvent(ended, payload, account, now()) }] }
  const { name, qualifier } = parseFunctionReference(target, account)
  // In a chain each record holds the one before.
  if (Buffer.byteLength(payload) > QUOTAS.payloadBytes)
    return {
      ...NOTHING,
      problems: [`a record of an invocation of ${ended.event.name} is too large for the function ${name}: it is dropped`],
    }
  const requestId = uuid()
  const count = (ended.event.lineage?.[name] ?? 0) + 1
  const event: EventInvocationRecord = {
    id: eventId(now(), requestId),
    name,
    qualifier,
    requestId,
    payload,
    clientContext: undefined,
    acceptedAt: now(),
    attempts: 0,
    lineage: { ...ended.event.lineage, [name]: count },
  }
  return await toFunction(event, count, options)
}

async function toFunction(event: EventInvocationRecord, count: number, options: DeliveryOptions): Promise<Deliveries> {
  const { store, taken } = options
  const { name } = event
  const found = await store.get('functions', [name])
  if (found === undefined && !taken.has(name))
    return { ...NOTHING, problems: [`a record of an invocation is for the function ${name}, which there is not: it is dropped`] }
  if (count <= MAX_RECURSION || found?.recursion === 'Allow') return { ...NOTHING, events: [event] }
  const problem = cutMessage(name)
  // Where its failures go in a queue the event goes, too; another function would be in the chain.
  const { onFailure } = await settingsOf(event, store)
  const kept = onFailure !== undefined && parseQueueArn(onFailure, options.account) !== undefined ? onFailure : undefined
  const stopped: Ended = { event, condition: 'RecursiveLoopDetected', last: undefined }
  return join([{ ...NOTHING, problems: [problem] }, await deliveriesOf(stopped, { ...NO_SETTINGS, onFailure: kept }, options)])
}

const join = (parts: readonly Deliveries[]): Deliveries => ({
  messages: parts.flatMap(({ messages }) => messages),
  records: parts.flatMap(({ records }) => records),
  posts: parts.flatMap(({ posts }) => posts),
  events: parts.flatMap(({ events }) => events),
  problems: parts.flatMap(({ problems }) => problems),
})

/** Keys are in the order of time, and of `index` where several are made at once. */
export const eventId = (now: number, requestId: string, index = 0): string =>
  `${String(now).padStart(16, '0')}-${String(index).padStart(4, '0')}-${requestId}`
