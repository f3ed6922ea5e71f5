import { createHash } from 'node:crypto'
import type { Control } from '../../control/control.ts'
import type { MessageAttribute, MessageAttributes, SentAttributes } from '../../control/sent-attributes.ts'
import type { NewMessage, QueueDefinition, SentMessage } from '../../store/queue.ts'
import { md5, md5OfAttributes } from './digest.ts'
import { invalidValue, SqsError } from './error.ts'
import type { SqsInput } from './input.ts'
import { kept } from './kept.ts'
import { existing } from './queues.ts'

/** What one request may bring, attributes included. */
const MAX_BATCH_BYTES = 1_048_576
/** XML 1.0, "Characters": what a message may consist of. */
const NOT_ALLOWED = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u
const ID = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/
export const MOST_ATTRIBUTES = 10
export const MAX_DELAY_SECONDS = 900

interface Draft {
  readonly message: NewMessage
  readonly bytes: number
  /** Of what was given, for the answer. */
  readonly digests: () => object
}

export async function sendMessage(input: SqsInput, control: Control): Promise<object> {
  const queue = await existing(input.queue(control.account), control)
  const { message, digests } = readMessage(input, queue, control)
  const [sent] = await control.queues.send(queue.name, [message])
  return answerOf(sent, digests(), queue)
}

export async function sendMessageBatch(input: SqsInput, control: Control): Promise<object> {
  const queue = await existing(input.queue(control.account), control)
  const entries = input.entries()
  input.end()
  const drafts: (Draft & { readonly id: string })[] = []
  const failed: object[] = []
  for (const { id, entry } of entries)
    try {
      drafts.push({ id, ...readMessage(entry, queue, control) })
    } catch (error) {
      failed.push(failureOf(id, error))
    }
  const bytes = drafts.reduce((sum, draft) => sum + draft.bytes, 0)
  if (bytes > MAX_BATCH_BYTES)
    throw new SqsError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
    )
  const messages = drafts.map(({ message }) => message)
  const sent = messages.length === 0 ? [] : await control.queues.send(queue.name, messages)
  return {
    Successful: drafts.map(({ id, digests }, index) => ({ Id: id, ...answerOf(sent[index], digests(), queue) })),
    ...(failed.length > 0 && { Failed: failed }),
  }
}

/** An entry of a batch that failed by itself. Throws what is not the caller's fault. */
export function failureOf(id: string, error: unknown): object {
  if (!(error instanceof SqsError) || error.status >= 500) throw error
  return { Id: id, SenderFault: true, Code: error.code, Message: error.message }
}

const answerOf = (sent: SentMessage | undefined, digests: object, { fifo }: QueueDefinition): object => ({
  MessageId: sent?.id,
  ...digests,
  ...(fifo && { SequenceNumber: String(sent?.sequence).padStart(20, '0') }),
})

function readMessage(input: SqsInput, queue: QueueDefinition, control: Control): Draft {
  const given = {
    text: input.required('MessageBody', input.text('MessageBody', { max: MAX_BATCH_BYTES })),
    delaySeconds: input.integer('DelaySeconds', { min: 0, max: MAX_DELAY_SECONDS }),
    messageAttributes: readAttributes(input.object('MessageAttributes'), MOST_ATTRIBUTES),
    systemAttributes: readAttributes(input.object('MessageSystemAttributes'), 1),
    group: input.text('MessageGroupId', { max: 128, pattern: ID }),
    deduplication: input.text('MessageDeduplicationId', { max: 128, pattern: ID }),
  }
  input.end()
  for (const name of Object.keys(given.systemAttributes ?? {}))
    if (name !== 'AWSTraceHeader') throw invalidValue(`The system attribute ${name.slice(0, 100)} is not AWSTraceHeader.`)
  return draftMessage(given, queue, control)
}

/** A message as somebody wants to send it. */
export interface GivenMessage {
  readonly text: string
  readonly delaySeconds: number | undefined
  readonly messageAttributes: MessageAttributes | undefined
  readonly systemAttributes: MessageAttributes | undefined
  readonly group: string | undefined
  readonly deduplication: string | undefined
}

/** As the queue takes it. Throws an {@link SqsError}. */
export function draftMessage(
  { text, delaySeconds, messageAttributes, systemAttributes, group, deduplication }: GivenMessage,
  queue: QueueDefinition,
  control: Control,
): Draft {
  const wrong = NOT_ALLOWED.exec(text)
  if (wrong !== null)
    throw new SqsError(
      'InvalidMessageContents',
      `The message has the character U+${(wrong[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} at ${wrong.index}, which messages cannot have.`,
    )
  const body = Buffer.from(text)
  const bytes = body.length + bytesOf(messageAttributes)
  const { maxBytes, contentBased } = kept(queue)
  if (bytes > maxBytes)
    throw invalidValue(
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes, and it has ${bytes}.`,
    )
  if (!queue.fifo && deduplication !== undefined)
    throw invalidValue('The request includes the parameter MessageDeduplicationId, which is for FIFO queues only.')
  const attributes: SentAttributes = {
    ...(messageAttributes !== undefined && { messageAttributes }),
    ...(systemAttributes !== undefined && { systemAttributes }),
    ...(!queue.fifo && group !== undefined && { group }),
  }
  return {
    message: {
      id: control.uuid(),
      body,
      attributes: { ...attributes },
      ...(queue.fifo
        ? readOrder({ group, deduplication, delaySeconds, contentBased, body })
        : delaySeconds !== undefined && { delayMs: delaySeconds * 1000 }),
    },
    bytes,
    digests: () => ({
      MD5OfMessageBody: md5(body),
      ...(messageAttributes !== undefined && { MD5OfMessageAttributes: md5OfAttributes(messageAttributes) }),
      ...(systemAttributes !== undefined && { MD5OfMessageSystemAttributes: md5OfAttributes(systemAttributes) }),
    }),
  }
}

/** What a message of a FIFO queue needs. */
function readOrder(given: {
  readonly group: string | undefined
  readonly deduplication: string | undefined
  readonly delaySeconds: number | undefined
  readonly contentBased: boolean
  readonly body: Uint8Array
}): Pick<NewMessage, 'group' | 'deduplication'> {
  const { group, deduplication, delaySeconds, contentBased, body } = given
  if (group === undefined) throw new SqsError('MissingParameter', 'The request must contain the parameter MessageGroupId.')
  if (delaySeconds !== undefined && delaySeconds > 0)
    throw invalidValue(
      `Value ${delaySeconds} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.`,
    )
  if (deduplication === undefined && !contentBased)
    throw invalidValue(
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    )
  return { group, deduplication: deduplication ?? createHash('sha256').update(body).digest('hex') }
}

/** Undefined when there are none. */
function readAttributes(given: Readonly<Record<string, unknown>> | undefined, most: number): MessageAttributes | undefined {
  const entries = Object.entries(given ?? {})
  if (entries.length === 0) return undefined
  if (entries.length > most)
    throw invalidValue(`Number of message attributes [${entries.length}] exceeds the allowed maximum [${most}].`)
  return Object.fromEntries(entries.map(([name, value]) => [name, readAttribute(name, value)]))
}

function readAttribute(name: string, value: unknown): MessageAttribute {
  const shown = name.slice(0, 100)
  if (!/^[\w.-]{1,256}$/.test(name) || /^(?:aws|amazon)\.|^\.|\.$|\.\./i.test(name))
    throw invalidValue(
      `The message attribute name '${shown}' is invalid: 1 to 256 letters, digits, _, - and ., not AWS. or Amazon. in front, no . at the ends or twice in a row.`,
    )
  const { DataType, StringValue, BinaryValue } = (value ?? {}) as Readonly<Record<string, unknown>>
  const kind = typeof DataType === 'string' ? (/^(String|Number|Binary)(?:\..{1,248})?$/.exec(DataType)?.[1] ?? '') : ''
  if (typeof DataType !== 'string' || kind === '')
    throw invalidValue(
      `The message attribute '${shown}' must have the data type String, Number or Binary, perhaps with a label behind a dot.`,
    )
  if (kind === 'Binary') {
    if (typeof BinaryValue !== 'string' || BinaryValue === '' || StringValue !== undefined)
      throw invalidValue(`The message attribute '${shown}' of type ${DataType} must have a BinaryValue, and no StringValue.`)
    return { DataType, BinaryValue }
  }
  if (typeof StringValue !== 'string' || StringValue === '' || BinaryValue !== undefined)
    throw invalidValue(`The message attribute '${shown}' of type ${DataType} must have a StringValue, and no BinaryValue.`)
  if (kind === 'Number' && !Number.isFinite(Number(StringValue)))
    throw invalidValue(`The message attribute '${shown}' has the value '${StringValue.slice(0, 100)}', which is no number.`)
  if (NOT_ALLOWED.test(StringValue))
    throw new SqsError('InvalidMessageContents', `The message attribute '${shown}' has characters that messages cannot have.`)
  return { DataType, StringValue }
}

const bytesOf = (attributes: MessageAttributes | undefined): number =>
  Object.entries(attributes ?? {}).reduce(
    (sum, [name, { DataType, StringValue, BinaryValue }]) =>
      sum +
      Buffer.byteLength(name) +
      Buffer.byteLength(DataType) +
      (BinaryValue === undefined ? Buffer.byteLength(StringValue ?? '') : Buffer.byteLength(BinaryValue, 'base64')),
    0,
  )
