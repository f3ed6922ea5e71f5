import type { Account } from '../functions/arn.ts'
import { formatQueueArn } from '../functions/queue-arn.ts'
import type { ReceivedMessage } from '../store/queue.ts'
import type { Lineage } from './lineage.ts'

/** As SQS's JSON protocol has it: bytes are in base64. */
export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: string
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** What messages keep beside their body: `NewMessage.attributes`. */
export interface SentAttributes {
  readonly messageAttributes?: MessageAttributes
  readonly systemAttributes?: MessageAttributes
  /** Of a queue that is not FIFO, where it orders nothing. */
  readonly group?: string
  /** Of the function that has sent it. */
  readonly lineage?: Lineage
}

/** As SQS gives them. */
export function systemAttributesOf(message: ReceivedMessage, account: Account): Readonly<Record<string, string>> {
  const { systemAttributes = {}, group } = message.attributes as SentAttributes
  const trace = systemAttributes['AWSTraceHeader']?.StringValue
  const ofGroup = message.group ?? group
  return {
    SenderId: account.id,
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    ...(message.group !== undefined && { SequenceNumber: String(message.sequence).padStart(20, '0') }),
    ...(ofGroup !== undefined && { MessageGroupId: ofGroup }),
    ...(message.deduplication !== undefined && { MessageDeduplicationId: message.deduplication }),
    ...(trace !== undefined && { AWSTraceHeader: trace }),
    ...(message.source !== undefined && { DeadLetterQueueSourceArn: formatQueueArn(account, message.source) }),
  }
}
