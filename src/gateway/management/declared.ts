import type { Control } from '../../control/control.ts'
import { nextTick } from '../../control/schedules/due.ts'
import { mappingOf, type KeptMapping } from '../../control/triggers/mapping.ts'
import { AmpouleError } from '../../errors.ts'
import { formatFunctionArn } from '../../functions/arn.ts'
import { formatBusArn } from '../../functions/bus-arn.ts'
import { formatQueueArn } from '../../functions/queue-arn.ts'
import { formatRedisArn } from '../../functions/redis-arn.ts'
import { ExpressionError } from '../../functions/schedule/error.ts'
import type { FunctionSettings } from '../../functions/settings.ts'
import { formatStreamArn } from '../../functions/stream-arn.ts'
import type { EventSourceMappingRecord, ScheduleRecord } from '../../store/records.ts'
import { uuidOf } from '../../uuid.ts'
import { KinesisInput } from '../kinesis/input.ts'
import { createStream } from '../kinesis/streams.ts'
import { SqsInput } from '../sqs/input.ts'
import { createQueue } from '../sqs/queues.ts'
import { readSettings, requireSource } from './event-source.ts'

/** SQS's visibility timeout where nothing is said. */
const VISIBILITY_SECONDS = 30
const DAY_SECONDS = 86_400

type Declaring = Pick<FunctionSettings, 'name' | 'timeoutMs' | 'queue' | 'stream' | 'redis' | 'events' | 'schedule'>

/**
 * Makes the queues, streams and schedules that functions of `ampoule.jsonc` declare, with the mappings to them, and takes away what is declared no
 * more but for queues and streams, which may have something in them. What is there stays as it is, also where somebody has changed it.
 * Rejects with `InvalidConfiguration`.
 */
export async function applyDeclared(functions: readonly Declaring[], control: Control): Promise<void> {
  const mappings = await Promise.all(functions.map((one) => mappingsOf(one, control)))
  const schedules = functions.flatMap((one) => scheduleOf(one, control))
  await keepMappings(mappings.flat(), control)
  await keepSchedules(schedules, control)
}

async function mappingsOf(
  { name, timeoutMs, queue, stream, redis, events }: Declaring,
  control: Control,
): Promise<EventSourceMappingRecord[]> {
  const { queues, streams, account } = control
  const found: EventSourceMappingRecord[] = []
  if (queue !== undefined) {
    const visibility = Math.max(VISIBILITY_SECONDS, Math.ceil(timeoutMs / 1000))
    const input = { QueueName: queue, Attributes: { VisibilityTimeout: String(visibility) } }
    if ((await queues.engine.definition(queue)) === undefined)
      await declared(`functions.${name}.queue`, () => createQueue(new SqsInput(input), control, ''))
    found.push(mapping(name, formatQueueArn(account, queue), {}, control))
  }
  if (stream !== undefined) {
    if ((await streams.engine.definition(stream)) === undefined)
      await declared(`functions.${name}.stream`, () => createStream(new KinesisInput({ StreamName: stream }), control))
    found.push(mapping(name, formatStreamArn(account, stream), { StartingPosition: 'TRIM_HORIZON' }, control))
  }
  if (redis !== undefined) {
    const source = formatRedisArn(account, redis)
    const place = `functions.${name}.redis`
    if (control.redis === undefined)
      throw new AmpouleError('InvalidConfiguration', `${place}: the host knows no Redis: set redis, too`)
    found.push(await declared(place, () => mapping(name, source, {}, control)))
  }
  if (events !== undefined) {
    const types = events.split(',').map((type) => ({ wildcard: type.trim() }))
    const FilterCriteria = { Filters: [{ Pattern: JSON.stringify({ type: types }) }] }
    found.push(
      await declared(`functions.${name}.events`, () => mapping(name, formatBusArn(account), { FilterCriteria }, control)),
    )
  }
  return found
}

function mapping(
  name: string,
  source: string,
  given: Parameters<typeof readSettings>[2],
  { now }: Control,
): EventSourceMappingRecord {
  const read = readSettings(requireSource({ EventSourceArn: source }), undefined, given)
  const settings: KeptMapping = { ...read, qualifier: undefined, lastModified: now(), declared: true }
  return { uuid: uuidOf(`${name}\n${source}`), name, source, settings: { ...settings } }
}

function scheduleOf({ name, schedule }: Declaring, { account, now, shared }: Control): ScheduleRecord[] {
  if (schedule === undefined) return []
  const record: ScheduleRecord = {
    name,
    expression: schedule,
    timezone: 'UTC',
    // Where several hosts have it, its rate counts from the same moment on all.
    startMs: shared ? 0 : undefined,
    endMs: undefined,
    windowMinutes: 0,
    enabled: true,
    target: { arn: formatFunctionArn(account, name), role: undefined, input: undefined, maxAgeSeconds: DAY_SECONDS },
    missed: 'once',
    deleteWhenOver: false,
    description: undefined,
    createdMs: now(),
    modifiedMs: now(),
    nextMs: undefined,
    sending: [],
    declared: true,
  }
  try {
    return [{ ...record, nextMs: nextTick(record, now()) }]
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    throw new AmpouleError('InvalidConfiguration', `functions.${name}.schedule: ${error.message}`)
  }
}

async function declared<T>(place: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    throw new AmpouleError('InvalidConfiguration', `${place}: ${(error as Error).message}`, { cause: error })
  }
}

async function keepMappings(wanted: readonly EventSourceMappingRecord[], { store, streams, account }: Control): Promise<void> {
  const uuids = new Set(wanted.map(({ uuid }) => uuid))
  const old = (await store.list('event_source_mappings')).filter(
    (record) => mappingOf(record).declared === true && !uuids.has(record.uuid),
  )
  await store.transact(async (tx) => {
    for (const record of wanted)
      if ((await tx.get('event_source_mappings', [record.uuid])) === undefined) tx.put('event_source_mappings', record)
    for (const { uuid } of old) tx.delete('event_source_mappings', { uuid })
  })
  for (const { uuid, source } of old)
    if (source.includes(':kinesis:')) await streams.engine.forget(source.slice(formatStreamArn(account, '').length), uuid)
}

async function keepSchedules(wanted: readonly ScheduleRecord[], { store }: Control): Promise<void> {
  const names = new Set(wanted.map(({ name }) => name))
  const old = (await store.list('schedules')).filter((record) => record.declared === true && !names.has(record.name))
  await store.transact(async (tx) => {
    for (const record of wanted) {
      const found = await tx.get('schedules', [record.name])
      if (found?.expression !== record.expression) tx.put('schedules', record)
    }
    for (const { name } of old) tx.delete('schedules', { name })
  })
}
