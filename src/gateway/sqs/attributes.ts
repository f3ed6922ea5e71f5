import type { Control } from '../../control/control.ts'
import { formatQueueArn, parseQueueArn } from '../../functions/queue-arn.ts'
import type { QueueDefinition } from '../../store/queue.ts'
import { SqsError } from './error.ts'
import { kept, type Kept } from './kept.ts'

/** Whole numbers: the lowest, the highest and the default value. */
const NUMBERS = {
  DelaySeconds: [0, 900, 0],
  MaximumMessageSize: [1024, 1_048_576, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600, 345_600],
  ReceiveMessageWaitTimeSeconds: [0, 20, 0],
  VisibilityTimeout: [0, 43_200, 30],
} as const satisfies Record<string, readonly [number, number, number]>

const NUMBER_NAMES = Object.keys(NUMBERS) as readonly (keyof typeof NUMBERS)[]
const OTHERS = ['FifoQueue', 'ContentBasedDeduplication', 'RedrivePolicy', 'RedriveAllowPolicy'] as const
/** What AWS has by default, and this host only has. */
const FIXED: Readonly<Record<string, string>> = {
  DeduplicationScope: 'queue',
  FifoThroughputLimit: 'perQueue',
  SqsManagedSseEnabled: 'false',
}
const NOT_PROVIDED = ['Policy', 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds']

export type QueueAttributes = Readonly<Record<string, string>>

/** A definition with these attributes, on top of one that there is. Throws the error of the first that cannot be. */
export async function applyAttributes(
  attributes: QueueAttributes,
  { name, before }: { readonly name: string; readonly before: QueueDefinition | undefined },
  control: Control,
): Promise<QueueDefinition> {
  for (const [key, value] of Object.entries(attributes)) refuseUnknown(key, value)
  const now = control.now()
  const old = before === undefined ? undefined : kept(before)
  const number = (key: keyof typeof NUMBERS, had: number | undefined): number =>
    numberOf(key, attributes[key]) ?? had ?? NUMBERS[key][2]
  const fifo = readFifo(attributes['FifoQueue'], name, before)
  const contentBased = readFlag('ContentBasedDeduplication', attributes['ContentBasedDeduplication'])
  if (contentBased !== undefined && !fifo)
    throw new SqsError('InvalidAttributeName', 'Unknown Attribute ContentBasedDeduplication: only FIFO queues have it.')
  const own: Kept = {
    createdMs: old?.createdMs ?? now,
    modifiedMs: now,
    maxBytes: number('MaximumMessageSize', old?.maxBytes),
    waitSeconds: number('ReceiveMessageWaitTimeSeconds', old?.waitSeconds),
    contentBased: contentBased ?? old?.contentBased ?? false,
    redriveAllow: readRedriveAllow(attributes['RedriveAllowPolicy']) ?? old?.redriveAllow,
    tags: old?.tags ?? {},
  }
  return {
    name,
    fifo,
    visibilityMs: number('VisibilityTimeout', secondsOf(before?.visibilityMs)) * 1000,
    delayMs: number('DelaySeconds', secondsOf(before?.delayMs)) * 1000,
    retentionMs: number('MessageRetentionPeriod', secondsOf(before?.retentionMs)) * 1000,
    deadLetter: await readRedrive(attributes['RedrivePolicy'], { name, fifo, before }, control),
    attributes: { ...own },
  }
}

/** All that a queue has, but for its counts. */
export function attributesOf(definition: QueueDefinition, { account }: Control): QueueAttributes {
  const { name, fifo, visibilityMs, delayMs, retentionMs, deadLetter } = definition
  const { createdMs, modifiedMs, maxBytes, waitSeconds, contentBased, redriveAllow } = kept(definition)
  return {
    QueueArn: formatQueueArn(account, name),
    CreatedTimestamp: String(Math.floor(createdMs / 1000)),
    LastModifiedTimestamp: String(Math.floor(modifiedMs / 1000)),
    VisibilityTimeout: String(visibilityMs / 1000),
    DelaySeconds: String(delayMs / 1000),
    MessageRetentionPeriod: String(retentionMs / 1000),
    MaximumMessageSize: String(maxBytes),
    ReceiveMessageWaitTimeSeconds: String(waitSeconds),
    SqsManagedSseEnabled: 'false',
    ...(fifo && {
      FifoQueue: 'true',
      ContentBasedDeduplication: String(contentBased),
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
    }),
    ...(deadLetter !== undefined && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: formatQueueArn(account, deadLetter.queue),
        maxReceiveCount: deadLetter.maxReceives,
      }),
    }),
    ...(redriveAllow !== undefined && { RedriveAllowPolicy: JSON.stringify(redriveAllow) }),
  }
}

export const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const

/** The names that GetQueueAttributes takes. */
export const READABLE: ReadonlySet<string> = new Set([
  'All',
  'QueueArn',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  ...COUNTS,
  ...NUMBER_NAMES,
  ...OTHERS,
  ...Object.keys(FIXED),
  ...NOT_PROVIDED,
])

function refuseUnknown(key: string, value: string): void {
  if (NOT_PROVIDED.includes(key))
    throw new SqsError('InvalidAttributeName', `The attribute ${key} is not supported by this host: leave it out.`)
  if (Object.hasOwn(FIXED, key)) {
    if (value !== FIXED[key]) throw invalidAttribute(key, `this host only has ${FIXED[key]}`)
  } else if (!Object.hasOwn(NUMBERS, key) && !OTHERS.some((own) => own === key))
    throw new SqsError('InvalidAttributeName', `Unknown Attribute ${key.slice(0, 100)}.`)
}

const invalidAttribute = (key: string, reason: string): SqsError =>
  new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${key}. Reason: ${reason}.`)

const secondsOf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000)

function numberOf(key: keyof typeof NUMBERS, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [min, max] = NUMBERS[key]
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (!(value >= min && value <= max))
    throw invalidAttribute(key, `${text.slice(0, 100)} is no whole number from ${min} to ${max}`)
  return value
}

function readFlag(key: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (text !== 'true' && text !== 'false') throw invalidAttribute(key, 'it must be true or false')
  return text === 'true'
}

function readFifo(text: string | undefined, name: string, before: QueueDefinition | undefined): boolean {
  const given = readFlag('FifoQueue', text)
  const fifo = name.endsWith('.fifo')
  if (before !== undefined && given !== undefined && given !== before.fifo)
    throw invalidAttribute('FifoQueue', 'the type of a queue cannot be changed')
  if (before === undefined && (given ?? false) !== fifo)
    throw invalidAttribute('FifoQueue', `a FIFO queue is one whose name ends with .fifo, and ${name} does${fifo ? '' : ' not'}`)
  return fifo
}

interface RedriveAllow {
  readonly redrivePermission: 'allowAll' | 'denyAll' | 'byQueue'
  readonly sourceQueueArns?: readonly string[]
}

function readRedriveAllow(text: string | undefined): RedriveAllow | undefined {
  if (text === undefined || text === '') return undefined
  const { redrivePermission, sourceQueueArns } = readObject('RedriveAllowPolicy', text)
  if (redrivePermission !== 'allowAll' && redrivePermission !== 'denyAll' && redrivePermission !== 'byQueue')
    throw invalidAttribute('RedriveAllowPolicy', 'redrivePermission must be allowAll, denyAll or byQueue')
  if (redrivePermission !== 'byQueue') {
    if (sourceQueueArns !== undefined) throw invalidAttribute('RedriveAllowPolicy', 'sourceQueueArns goes with byQueue only')
    return { redrivePermission }
  }
  if (!Array.isArray(sourceQueueArns) || sourceQueueArns.length < 1 || sourceQueueArns.length > 10)
    throw invalidAttribute('RedriveAllowPolicy', 'byQueue needs 1 to 10 sourceQueueArns')
  return { redrivePermission, sourceQueueArns: sourceQueueArns.map(String) }
}

async function readRedrive(
  text: string | undefined,
  { name, fifo, before }: { readonly name: string; readonly fifo: boolean; readonly before: QueueDefinition | undefined },
  { account, queues }: Control,
): Promise<QueueDefinition['deadLetter']> {
  if (text === undefined) return before?.deadLetter
  if (text === '') return undefined
  const { deadLetterTargetArn: arn, maxReceiveCount } = readObject('RedrivePolicy', text)
  const maxReceives = Number(maxReceiveCount)
  if (typeof arn !== 'string') throw invalidAttribute('RedrivePolicy', 'deadLetterTargetArn is missing')
  if (!Number.isInteger(maxReceives) || maxReceives < 1 || maxReceives > 1000)
    throw invalidAttribute('RedrivePolicy', `maxReceiveCount is ${String(maxReceiveCount).slice(0, 100)}: it must be 1 to 1000`)
  const queue = parseQueueArn(arn, account)
  const target = queue === undefined ? undefined : await queues.engine.definition(queue)
  if (target === undefined) throw invalidAttribute('RedrivePolicy', `the dead-letter queue ${arn.slice(0, 200)} does not exist`)
  if (target.name === name) throw invalidAttribute('RedrivePolicy', 'a queue cannot be its own dead-letter queue')
  if (target.fifo !== fifo)
    throw invalidAttribute('RedrivePolicy', `the dead-letter queue of a ${fifo ? 'FIFO' : 'standard'} queue must be one, too`)
  const { redriveAllow } = kept(target)
  const own = formatQueueArn(account, name)
  if (redriveAllow?.redrivePermission === 'denyAll' || redriveAllow?.sourceQueueArns?.includes(own) === false)
    throw invalidAttribute('RedrivePolicy', `the RedriveAllowPolicy of ${target.name} does not allow it`)
  return { queue: target.name, maxReceives }
}

function readObject(key: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // Answered below.
  }
  throw invalidAttribute(key, 'it must be a JSON object')
}
