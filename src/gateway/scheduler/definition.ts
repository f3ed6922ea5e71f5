import type { Control } from '../../control/control.ts'
import { nextTick } from '../../control/schedules/due.ts'
import { versionOf } from '../../control/versions.ts'
import { parseFunctionReference } from '../../functions/arn.ts'
import { LambdaError } from '../../functions/lambda-error.ts'
import { parseQueueArn } from '../../functions/queue-arn.ts'
import { ExpressionError } from '../../functions/schedule/error.ts'
import type { ScheduleRecord } from '../../store/records.ts'
import { JsonInput } from '../json/input.ts'
import { invalid } from './error.ts'

const REFUSALS = { malformed: invalid, invalid }

const MAX_INPUT_BYTES = 1_048_576
const MAX_WINDOW_MINUTES = 1440
/** EventBridge Scheduler, RetryPolicy. */
const AGE_SECONDS = { min: 60, max: 86_400 }

/** A schedule as a request defines it; `before`: what it changes, of which only the dates of its making stay. */
export async function readSchedule(
  name: string,
  body: Uint8Array,
  before: ScheduleRecord | undefined,
  control: Control,
): Promise<ScheduleRecord> {
  const input = new JsonInput(body, REFUSALS)
  requireDefaultGroup(input.text('GroupName', { max: 64 }))
  const now = control.now()
  const expression = required('ScheduleExpression', input.text('ScheduleExpression', { max: 256 }))
  const window = required('FlexibleTimeWindow', input.object('FlexibleTimeWindow'))
  const target = required('Target', input.object('Target'))
  const record: ScheduleRecord = {
    name,
    expression,
    timezone: input.text('ScheduleExpressionTimezone', { max: 50 }) ?? 'UTC',
    startMs: dateOf(input, 'StartDate'),
    endMs: dateOf(input, 'EndDate'),
    windowMinutes: readWindow(window),
    enabled: input.choice('State', ['ENABLED', 'DISABLED']) !== 'DISABLED',
    target: await readTarget(target, control),
    missed: input.choice('MissedTickPolicy', ['once', 'all', 'skip']) ?? 'once',
    deleteWhenOver: input.choice('ActionAfterCompletion', ['NONE', 'DELETE']) === 'DELETE',
    description: input.text('Description', { max: 512 }),
    createdMs: before?.createdMs ?? now,
    modifiedMs: now,
    nextMs: undefined,
    sending: before?.sending ?? [],
  }
  // Names a request, so that sending it twice does the same; a second one is refused as any other.
  input.text('ClientToken', { max: 64 })
  input.end()
  if (record.startMs !== undefined && record.endMs !== undefined && record.endMs <= record.startMs)
    throw invalid('The EndDate must be after the StartDate.')
  return { ...record, nextMs: firstTick(record, before === undefined ? now - 1 : now) }
}

/** Schedules of this host are in one group. */
export function requireDefaultGroup(group: string | undefined): void {
  if (group !== undefined && group !== 'default')
    throw invalid(`There is no schedule group ${group}: this host has the group default only.`)
}

function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw invalid(`The parameter ${name} is missing.`)
  return value
}

function dateOf(input: JsonInput, name: string): number | undefined {
  const value = input.any(name)
  if (value === undefined) return undefined
  // What a Date holds.
  if (typeof value !== 'number' || !(Math.abs(value) <= 8.64e12))
    throw invalid(`The ${name} must be a number of seconds since 1970.`)
  return Math.round(value * 1000)
}

function firstTick(record: ScheduleRecord, now: number): number {
  let first: number | undefined
  try {
    first = nextTick(record, now)
  } catch (error) {
    if (error instanceof ExpressionError) throw invalid(`Invalid Schedule Expression: ${error.message}.`)
    throw error
  }
  if (first !== undefined) return first
  throw invalid(`Invalid Schedule Expression: ${record.expression} has no tick from now on within the dates of the schedule.`)
}

function readWindow(content: Readonly<Record<string, unknown>>): number {
  const input = new JsonInput(content, REFUSALS)
  const mode = required('FlexibleTimeWindow.Mode', input.choice('Mode', ['OFF', 'FLEXIBLE']))
  const minutes = input.integer('MaximumWindowInMinutes', { min: 1, max: MAX_WINDOW_MINUTES })
  input.end()
  if ((mode === 'FLEXIBLE') !== (minutes !== undefined))
    throw invalid('MaximumWindowInMinutes must be given with the FlexibleTimeWindow FLEXIBLE, and only with it.')
  return minutes ?? 0
}

async function readTarget(content: Readonly<Record<string, unknown>>, control: Control): Promise<ScheduleRecord['target']> {
  const input = new JsonInput(content, REFUSALS)
  const target = {
    arn: await requireTarget(required('Target.Arn', input.text('Arn', { max: 1600 })), control),
    role: input.text('RoleArn', { max: 1600 }),
    input: input.text('Input', { max: MAX_INPUT_BYTES }),
    maxAgeSeconds: readAge(input.object('RetryPolicy') ?? {}),
  }
  input.end()
  if (target.input !== undefined && parseQueueArn(target.arn, control.account) === undefined) requireJson(target.input)
  return target
}

function readAge(content: Readonly<Record<string, unknown>>): number {
  const input = new JsonInput(content, REFUSALS)
  const seconds = input.integer('MaximumEventAgeInSeconds', AGE_SECONDS)
  // That the target has the tick does not fail; how often a function is tried again its own settings say.
  input.integer('MaximumRetryAttempts', { min: 0, max: 185 })
  input.end()
  return seconds ?? AGE_SECONDS.max
}

function requireJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (error) {
    throw invalid(`The Input of a function must be JSON: ${(error as Error).message}.`)
  }
}

/** The ARN of a function or a queue that there is; a name is a function's. */
async function requireTarget(arn: string, { account, queues, store, taken }: Control): Promise<string> {
  const queue = parseQueueArn(arn, account)
  if (queue !== undefined) {
    if (queue.endsWith('.fifo')) throw invalid(`The target ${arn} is a FIFO queue, which is not supported.`)
    if ((await queues.engine.definition(queue)) === undefined) throw invalid(`The target ${arn} does not exist.`)
    return arn
  }
  if (arn.startsWith('arn:') && !arn.includes(':lambda:'))
    throw invalid(`The target ${arn} must be the ARN of a function or an SQS queue of this host.`)
  try {
    const reference = parseFunctionReference(arn, account)
    if (taken.has(reference.name) || (await versionOf(reference, store)) !== undefined) return arn
  } catch (error) {
    if (error instanceof LambdaError) throw invalid(`The target: ${error.message}`)
    throw error
  }
  throw invalid(`The target ${arn} does not exist.`)
}
