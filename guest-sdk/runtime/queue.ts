import { bytesToBase64, utf8DecodeLossy } from './bytes.ts'
import { ACCOUNT, FAILURES, type Identity, type InvocationContext } from './context.ts'
import { describe } from './errors.ts'
import type { Environment, Failure, QueueEvent, QueueMessage, With } from './function.ts'
import type { Message, MessageBatch, RetryOptions } from '../types/function.ts'
import type { SQSEvent, SQSRecord } from '../types/lambda.ts'

/** SQS's largest visibility timeout: 12 hours. */
const MAX_DELAY_SECONDS = 43_200

/** Calls a `queue` function. What comes again is told by the context's `FAILURES`, also when the handler fails. */
export async function callQueue(
  author: With<'queue'>,
  event: QueueEvent,
  env: Environment,
  context: InvocationContext,
): Promise<undefined> {
  const batch = new Batch(event)
  context[FAILURES] = () => batch.failuresAfter('failed')
  const result: unknown = await author.queue(batch, env, context)
  // The forms taken for each other would lose messages; any other result is as good as none (an arrow function's, mostly).
  if (typeof result === 'object' && result !== null && 'batchItemFailures' in result)
    throw new TypeError(
      `queue(batch, env, ctx) must return nothing, but returned ${describe(result)}: call message.retry() instead (batchItemFailures is what Lambda's handler returns)`,
    )
  context[FAILURES] = () => batch.failuresAfter('ended') ?? []
  return undefined
}

type Outcome = 'acknowledged' | Failure

const OUTCOME = Symbol('outcome')

class Batch implements MessageBatch {
  declare readonly queue: string
  declare readonly messages: readonly BatchMessage[];
  /** Of the messages that have none of their own. */
  declare [OUTCOME]: 'acknowledged' | Omit<Failure, 'id'> | undefined

  constructor(event: QueueEvent) {
    this.queue = event.queue
    this.messages = event.messages.map((message) => new BatchMessage(message))
    this[OUTCOME] = undefined
  }

  ackAll(): void {
    this[OUTCOME] ??= 'acknowledged'
  }

  retryAll(options?: RetryOptions): void {
    this[OUTCOME] ??= retryOf(options)
  }

  /** Undefined when the handler failed without having said anything: the whole batch comes again. */
  failuresAfter(end: 'ended' | 'failed'): readonly Failure[] | undefined {
    const common = this[OUTCOME]
    if (end === 'failed' && common === undefined && this.messages.every((message) => message[OUTCOME] === undefined))
      return undefined
    const otherwise = common ?? (end === 'ended' ? 'acknowledged' : {})
    const failures: Failure[] = []
    for (const message of this.messages) {
      const outcome = message[OUTCOME] ?? otherwise
      if (outcome !== 'acknowledged') failures.push({ id: message.id, ...outcome })
    }
    return failures
  }
}

class BatchMessage implements Message {
  declare readonly id: string
  declare readonly timestamp: Date
  declare readonly attempts: number
  declare readonly body: string | Uint8Array
  declare readonly attributes: Readonly<Record<string, string>>
  declare readonly group?: string;
  declare [OUTCOME]: Outcome | undefined

  constructor({ id, timestamp, attempts, body, attributes, group }: QueueMessage) {
    this.id = id
    this.timestamp = new Date(timestamp)
    this.attempts = attempts
    this.body = body
    this.attributes = attributes ?? {}
    if (group !== undefined) this.group = group
    this[OUTCOME] = undefined
  }

  text(): string {
    return typeof this.body === 'string' ? this.body : utf8DecodeLossy(this.body)
  }

  json(): unknown {
    return parseJson(this.text(), `the message ${this.id}`)
  }

  ack(): void {
    this[OUTCOME] ??= 'acknowledged'
  }

  retry(options?: RetryOptions): void {
    this[OUTCOME] ??= { id: this.id, ...retryOf(options) }
  }
}

function retryOf(options: RetryOptions = {}): Omit<Failure, 'id'> {
  const { delaySeconds: delay } = options
  if (delay === undefined) return {}
  if (typeof delay !== 'number' || !(delay >= 0 && delay <= MAX_DELAY_SECONDS))
    throw new RangeError(`delaySeconds must be a number from 0 to ${MAX_DELAY_SECONDS}, not ${describe(delay)}`)
  return { delay }
}

/** Throws a `SyntaxError` that says whose JSON it is. */
export function parseJson(text: string, of: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SyntaxError(`${of} is not JSON: ${String(error)}`, { cause: error })
  }
}

/** A batch as Lambda gives it to a handler. */
export function toSqsEvent(event: QueueEvent, { region }: Identity): SQSEvent {
  const arn = `arn:aws:sqs:${region}:${ACCOUNT}:${event.queue}`
  return { Records: event.messages.map((message) => toSqsRecord(message, arn, region)) }
}

function toSqsRecord(message: QueueMessage, eventSourceARN: string, awsRegion: string): SQSRecord {
  const { id, timestamp, attempts, body, attributes, group, deduplication, sequence } = message
  const messageAttributes = Object.fromEntries(
    Object.entries(attributes ?? {}).map(([name, stringValue]) => [
      name,
      { stringValue, stringListValues: [], binaryListValues: [], dataType: 'String' },
    ]),
  )
  return {
    messageId: id,
    // Acknowledging is the host's work; authors may log it.
    receiptHandle: id,
    body: typeof body === 'string' ? body : bytesToBase64(body),
    attributes: {
      ApproximateReceiveCount: String(attempts),
      SentTimestamp: String(timestamp),
      SenderId: ACCOUNT,
      ApproximateFirstReceiveTimestamp: String(timestamp),
      ...(sequence !== undefined && { SequenceNumber: sequence }),
      ...(group !== undefined && { MessageGroupId: group }),
      ...(deduplication !== undefined && { MessageDeduplicationId: deduplication }),
    },
    messageAttributes,
    md5OfBody: message.md5,
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion,
  }
}
