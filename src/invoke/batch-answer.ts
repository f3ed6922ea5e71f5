import type { EventForm } from '../component/contract.ts'
import { decodeEnvelope, own } from './envelope.ts'
import { GuestError } from './failure.ts'
import { decodeMessage, MalformedMessage } from './message.ts'

/** A message or record that comes again. */
export interface BatchFailure {
  readonly id: string
  /** Undefined: what the queue does by default. */
  readonly delaySeconds?: number
}

export interface BatchAnswerOptions {
  /** What Lambda's handlers return counts: `ReportBatchItemFailures`. Default true. */
  readonly partial?: boolean
}

/** SQS's largest visibility timeout: 12 hours. */
export const MAX_DELAY_SECONDS = 43_200

/**
 * What of a batch comes again, by the answer to its event; each id at most once. Throws `MalformedMessage` for what docs/events.md does
 * not allow and for ids that are not among `ids`: the whole batch has failed then, since nobody knows what was meant.
 */
export function decodeBatchAnswer(
  payload: Uint8Array,
  events: EventForm,
  ids: readonly string[],
  { partial = true }: BatchAnswerOptions = {},
): readonly BatchFailure[] {
  const answer = decodeAnswer(payload, events)
  if (Object.hasOwn(answer, 'payload')) return partial ? readLambdaResponse(own(answer, 'payload'), ids) : []
  return readFailures(own(answer, 'failures'), ids)
}

/** The state of a window in the answer to a batch of it, as JSON; undefined: it has none. Throws `MalformedMessage` for one that JSON cannot hold. */
export function decodeWindowState(payload: Uint8Array, events: EventForm): string | undefined {
  const answer = decodeAnswer(payload, events)
  const result = Object.hasOwn(answer, 'payload') ? own(answer, 'payload') : answer
  const state = isObject(result) ? own(result, 'state') : undefined
  if (state === undefined) return undefined
  try {
    return JSON.stringify(state) ?? 'null'
  } catch (error) {
    throw new MalformedMessage(`"state" cannot be written as JSON: ${(error as Error).message}`)
  }
}

function decodeAnswer(payload: Uint8Array, events: EventForm): object {
  const answer = events === 'json' ? decodeEnvelope(payload).head : decodeMessage(payload)
  if (!isObject(answer)) throw new MalformedMessage('a map was expected')
  return answer
}

/** What comes again after `invokeQueue` or `invokeStream` has rejected with `error`: all, save what a function acknowledged before it failed. */
export function failuresAfter(error: unknown, ids: readonly string[]): readonly BatchFailure[] {
  const all = ids.map((id) => ({ id }))
  if (!(error instanceof GuestError) || error.failures === undefined) return all
  try {
    return readFailures(error.failures, ids)
  } catch {
    return all
  }
}

function readFailures(failures: unknown, ids: readonly string[]): readonly BatchFailure[] {
  return readList(failures, 'failures', ids, (item, place) => {
    const delay = own(item, 'delay') ?? undefined
    if (delay !== undefined && (typeof delay !== 'number' || !(delay >= 0 && delay <= MAX_DELAY_SECONDS)))
      throw new MalformedMessage(`"delay" of ${place} is no number of seconds from 0 to ${MAX_DELAY_SECONDS}`)
    return { id: own(item, 'id'), key: 'id', ...(delay !== undefined && { delaySeconds: delay }) }
  })
}

/**
 * What a Lambda handler returned for a batch. Nothing, an object without `batchItemFailures`, null and an empty list are a success; bad
 * items fail the batch (AWS Lambda Developer Guide, "Implementing partial batch responses"). Ours: so does a result that is no object.
 */
function readLambdaResponse(result: unknown, ids: readonly string[]): readonly BatchFailure[] {
  if (result === undefined || result === null) return []
  if (!isObject(result))
    throw new MalformedMessage(
      `the handler of a batch must return nothing or { batchItemFailures: [{ itemIdentifier }] }, but returned ${kindOf(result)}`,
    )
  return readList(own(result, 'batchItemFailures'), 'batchItemFailures', ids, (item) => ({
    id: own(item, 'itemIdentifier'),
    key: 'itemIdentifier',
  }))
}

interface Item {
  readonly id: unknown
  /** What the id is called. */
  readonly key: string
  readonly delaySeconds?: number
}

function readList(
  list: unknown,
  name: string,
  ids: readonly string[],
  read: (item: object, place: string) => Item,
): readonly BatchFailure[] {
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw new MalformedMessage(`"${name}" is ${kindOf(list)} and not a list`)
  const known = new Set(ids)
  const failures = new Map<string, BatchFailure>()
  for (const [index, item] of list.entries()) {
    const place = `${name}[${index}]`
    if (!isObject(item)) throw new MalformedMessage(`${place} is ${kindOf(item)} and not an object`)
    const { id, key, ...rest } = read(item, place)
    if (typeof id !== 'string' || id === '')
      throw new MalformedMessage(`"${key}" of ${place} is ${id === '' ? 'empty' : kindOf(id)} and not an id of the batch`)
    if (!known.has(id))
      throw new MalformedMessage(`"${key}" of ${place} is ${JSON.stringify(cut(id))}, which is not in the batch`)
    if (!failures.has(id)) failures.set(id, { id, ...rest })
  }
  return [...failures.values()]
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Ids come from the guest. */
const cut = (id: string): string => (id.length > 100 ? `${id.slice(0, 100)}…` : id)
