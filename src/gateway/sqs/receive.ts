import type { Control } from '../../control/control.ts'
import { systemAttributesOf, type SentAttributes } from '../../control/sent-attributes.ts'
import type { Account } from '../../functions/arn.ts'
import type { ReceivedMessage } from '../../store/queue.ts'
import { md5, md5OfAttributes } from './digest.ts'
import { SqsError } from './error.ts'
import type { SqsInput } from './input.ts'
import { kept } from './kept.ts'
import { existing } from './queues.ts'
import { failureOf } from './send.ts'

const MAX_VISIBILITY = 43_200
const SYSTEM = [
  'SenderId',
  'SentTimestamp',
  'ApproximateReceiveCount',
  'ApproximateFirstReceiveTimestamp',
  'SequenceNumber',
  'MessageDeduplicationId',
  'MessageGroupId',
  'AWSTraceHeader',
  'DeadLetterQueueSourceArn',
]

export async function receiveMessage(input: SqsInput, control: Control): Promise<object> {
  const queue = await existing(input.queue(control.account), control)
  const limit = input.integer('MaxNumberOfMessages', { min: 1, max: 10 }) ?? 1
  const visibility = input.integer('VisibilityTimeout', { min: 0, max: MAX_VISIBILITY })
  const waitSeconds = input.integer('WaitTimeSeconds', { min: 0, max: 20 }) ?? kept(queue).waitSeconds
  const system = [...input.texts('AttributeNames', { most: 20 }), ...input.texts('MessageSystemAttributeNames', { most: 20 })]
  const own = input.texts('MessageAttributeNames', { most: 20 })
  // Within five minutes the same attempt would get the same messages; without, they come after their visibility timeout.
  input.text('ReceiveRequestAttemptId', { max: 128 })
  input.end()
  for (const name of system)
    if (name !== 'All' && !SYSTEM.includes(name))
      throw new SqsError('InvalidAttributeName', `Unknown Attribute ${name.slice(0, 100)}.`)
  const received = await control.queues.receive(queue.name, {
    limit,
    waitMs: waitSeconds * 1000,
    ...(visibility !== undefined && { visibilityMs: visibility * 1000 }),
  })
  if (received.length === 0) return {}
  return { Messages: received.map((message) => describe(message, { system, own }, control.account)) }
}

function describe(
  message: ReceivedMessage,
  wanted: { readonly system: readonly string[]; readonly own: readonly string[] },
  account: Account,
): object {
  const { messageAttributes = {} } = message.attributes as SentAttributes
  const system = Object.entries(systemAttributesOf(message, account)).filter(
    ([name]) => wanted.system.includes('All') || wanted.system.includes(name),
  )
  const own = Object.entries(messageAttributes).filter(([name]) => wanted.own.some((pattern) => isWanted(name, pattern)))
  const found = Object.fromEntries(own)
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    MD5OfBody: md5(message.body),
    Body: Buffer.from(message.body).toString(),
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(own.length > 0 && { MessageAttributes: found, MD5OfMessageAttributes: md5OfAttributes(found) }),
  }
}

const isWanted = (name: string, pattern: string): boolean =>
  pattern === 'All' || pattern === '.*' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1)))

export async function deleteMessage(input: SqsInput, control: Control): Promise<void> {
  const name = input.queue(control.account)
  const receipt = readReceipt(input)
  input.end()
  // One that is out of date deletes nothing, and AWS does not say so.
  await control.queues.engine.acknowledge(name, [receipt])
}

export async function deleteMessageBatch(input: SqsInput, control: Control): Promise<object> {
  const name = input.queue(control.account)
  const { read, failed } = readEntries(input, readReceipt)
  input.end()
  await control.queues.engine.acknowledge(
    name,
    read.map(({ value }) => value),
  )
  return { Successful: read.map(({ id }) => ({ Id: id })), ...(failed.length > 0 && { Failed: failed }) }
}

export async function changeMessageVisibility(input: SqsInput, control: Control): Promise<void> {
  const name = input.queue(control.account)
  const change = readChange(input)
  input.end()
  const [changed] = await control.queues.engine.changeVisibility(name, [change])
  if (changed !== true) throw notInFlight(change.receipt)
  if (change.visibilityMs === 0) control.queues.wake(name)
}

export async function changeMessageVisibilityBatch(input: SqsInput, control: Control): Promise<object> {
  const name = input.queue(control.account)
  const { read, failed } = readEntries(input, readChange)
  input.end()
  const changed = await control.queues.engine.changeVisibility(
    name,
    read.map(({ value }) => value),
  )
  control.queues.wake(name)
  const missed = read.filter((_, index) => changed[index] !== true)
  const all = [...failed, ...missed.map(({ id, value }) => failureOf(id, notInFlight(value.receipt)))]
  return {
    Successful: read.filter((_, index) => changed[index] === true).map(({ id }) => ({ Id: id })),
    ...(all.length > 0 && { Failed: all }),
  }
}

function readReceipt(input: SqsInput): string {
  const receipt = input.required('ReceiptHandle', input.text('ReceiptHandle', { max: 1024 }))
  if (!/^\d{1,16}-[\w-]+$/.test(receipt))
    throw new SqsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${receipt.slice(0, 100)}" is not a valid receipt handle.`,
    )
  return receipt
}

function readChange(input: SqsInput): { readonly receipt: string; readonly visibilityMs: number } {
  const receipt = readReceipt(input)
  const seconds = input.required('VisibilityTimeout', input.integer('VisibilityTimeout', { min: 0, max: MAX_VISIBILITY }))
  return { receipt, visibilityMs: seconds * 1000 }
}

function readEntries<T>(
  input: SqsInput,
  read: (entry: SqsInput) => T,
): { readonly read: readonly { readonly id: string; readonly value: T }[]; readonly failed: readonly object[] } {
  const found: { id: string; value: T }[] = []
  const failed: object[] = []
  for (const { id, entry } of input.entries())
    try {
      const value = read(entry)
      entry.end()
      found.push({ id, value })
    } catch (error) {
      failed.push(failureOf(id, error))
    }
  return { read: found, failed }
}

const notInFlight = (receipt: string): SqsError =>
  new SqsError(
    'MessageNotInflight',
    `The message of the receipt handle ${receipt.slice(0, 100)} is not with a receiver any more.`,
  )
