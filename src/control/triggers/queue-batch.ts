import { createHash } from 'node:crypto'
import type { Account } from '../../functions/arn.ts'
import { formatQueueArn } from '../../functions/queue-arn.ts'
import type { Pattern } from '../../functions/pattern/pattern.ts'
import type { QueueMessage } from '../../invoke/batch-event.ts'
import type { ReceivedMessage } from '../../store/queue.ts'
import { systemAttributesOf, type SentAttributes } from '../sent-attributes.ts'

/** What a function is given at once, in bytes: Lambda's payload, with room for what is around the messages. */
const MAX_BATCH_BYTES = 6 * 1024 * 1024 - 256 * 1024
/** Of a message, beside its body and attributes. */
const MESSAGE_BYTES = 512

/** In order, each with up to `size` messages and small enough for one invocation. */
export function splitBatch(messages: readonly ReceivedMessage[], size: number): readonly (readonly ReceivedMessage[])[] {
  const batches: ReceivedMessage[][] = []
  let bytes = Infinity
  for (const message of messages) {
    const own = message.body.length + JSON.stringify(message.attributes).length + MESSAGE_BYTES
    if (bytes + own > MAX_BATCH_BYTES || batches.at(-1)?.length === size) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)?.push(message)
    bytes += own
  }
  return batches
}

/** As functions are given it. */
export function toQueueMessage({
  id,
  sentMs,
  receives,
  body,
  attributes,
  group,
  deduplication,
  sequence,
}: ReceivedMessage): QueueMessage {
  const { messageAttributes = {} } = attributes as SentAttributes
  const texts = Object.entries(messageAttributes).map(
    ([name, { StringValue, BinaryValue }]) => [name, StringValue ?? BinaryValue ?? ''] as const,
  )
  return {
    id,
    timestampMs: sentMs,
    attempts: receives,
    body,
    ...(texts.length > 0 && { attributes: Object.fromEntries(texts) }),
    ...(group !== undefined && { group, sequence: String(sequence).padStart(20, '0') }),
    ...(deduplication !== undefined && { deduplication }),
  }
}

/** Whether one of the filters wants the message. Lambda: a pattern for parts of `body` is for bodies that are JSON, one for texts for the others. */
export function isWanted(message: ReceivedMessage, filters: readonly Pattern[], account: Account, queue: string): boolean {
  if (filters.length === 0) return true
  const text = Buffer.from(message.body).toString()
  const { messageAttributes = {} } = message.attributes as SentAttributes
  const record = {
    messageId: message.id,
    body: parsed(text),
    attributes: systemAttributesOf(message, account),
    messageAttributes: Object.fromEntries(
      Object.entries(messageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        { dataType: DataType, stringValue: StringValue, binaryValue: BinaryValue },
      ]),
    ),
    md5OfBody: createHash('md5').update(message.body).digest('hex'),
    eventSource: 'aws:sqs',
    eventSourceARN: formatQueueArn(account, queue),
    awsRegion: account.region,
  }
  return filters.some((matches) => matches(record))
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : text
  } catch {
    return text
  }
}
