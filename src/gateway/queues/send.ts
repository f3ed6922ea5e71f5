import type { Control } from '../../control/control.ts'
import { cutMessage, MAX_RECURSION, type Lineage } from '../../control/lineage.ts'
import { invalidParameter, LambdaError, notFound } from '../../functions/lambda-error.ts'
import type { SentMessage } from '../../invoke/sent.ts'
import type { NewMessage, QueueDefinition } from '../../store/queue.ts'
import { JsonInput } from '../json/input.ts'
import { SqsError } from '../sqs/error.ts'
import { draftMessage, MAX_DELAY_SECONDS, MOST_ATTRIBUTES } from '../sqs/send.ts'

/** Of one request. */
const MOST_MESSAGES = 1_000
const MAX_BYTES = 1_048_576

const REFUSALS = {
  malformed: (message: string) => new LambdaError('InvalidRequestContentException', message),
  invalid: invalidParameter,
}

/**
 * `POST /queues/NAME/messages`: one message, `{ "body": …, "attributes"?, "delaySeconds"?, "group"?, "deduplication"? }`, or
 * `{ "messages": [ … ] }` with up to 1,000, which are all sent or none. A body that is no text is sent as its JSON. Answers with
 * `{ "messages": [{ "id", "sequence" }] }` when they are on disk.
 */
export async function sendMessages(name: string, body: Uint8Array, control: Control): Promise<object> {
  const queue = await control.queues.engine.definition(name)
  if (queue === undefined) throw notFound(`There is no queue ${name}.`)
  const input = new JsonInput(body, REFUSALS)
  const list = input.objects('messages')
  const many = list.length > 0
  if (many) input.end()
  if (list.length > MOST_MESSAGES)
    throw invalidParameter(
      `The request has ${list.length} messages, the limit is ${MOST_MESSAGES}: send them in several requests.`,
    )
  const drafts = many
    ? list.map((one, index) => within(`messages[${index}]`, () => read(new JsonInput(one, REFUSALS), queue, control)))
    : [within('The message', () => read(input, queue, control))]
  const sent = await control.queues.send(
    name,
    drafts.map(({ message }) => message),
  )
  return { messages: sent.map(({ id, sequence }) => ({ id, sequence: String(sequence) })) }
}

/** Messages of a function, each for a queue; nothing is sent where one of them cannot be, or where a function would go on sending to itself. */
export async function sendAll(
  messages: readonly SentMessage[],
  { name: sender, lineage = { [sender]: 1 } }: { readonly name: string; readonly lineage: Lineage | undefined },
  control: Control,
): Promise<void> {
  if ((lineage[sender] ?? 0) > MAX_RECURSION && (await control.store.get('functions', [sender]))?.recursion !== 'Allow')
    throw invalidParameter(cutMessage(sender))
  const byQueue = new Map<string, NewMessage[]>()
  for (const [index, { queue: name, message }] of messages.entries()) {
    const queue = await control.queues.engine.definition(name)
    if (queue === undefined) throw notFound(`There is no queue ${name}.`)
    const draft = within(`sent[${index}]`, () => read(new JsonInput(message, REFUSALS), queue, control))
    const own = { ...draft.message, attributes: { ...draft.message.attributes, lineage } }
    byQueue.set(name, [...(byQueue.get(name) ?? []), own])
  }
  for (const [name, drafts] of byQueue) await control.queues.send(name, drafts)
}

function read(input: JsonInput, queue: QueueDefinition, control: Control): ReturnType<typeof draftMessage> {
  const content = input.any('body')
  if (content === undefined) throw invalidParameter('body is missing.')
  const attributes = Object.entries(input.strings('attributes') ?? {})
  if (attributes.length > MOST_ATTRIBUTES)
    throw invalidParameter(`there are ${attributes.length} attributes, the limit is ${MOST_ATTRIBUTES}.`)
  const given = {
    text: typeof content === 'string' ? content : JSON.stringify(content),
    delaySeconds: input.integer('delaySeconds', { min: 0, max: MAX_DELAY_SECONDS }),
    messageAttributes:
      attributes.length === 0
        ? undefined
        : Object.fromEntries(attributes.map(([key, StringValue]) => [key, { DataType: 'String', StringValue }])),
    systemAttributes: undefined,
    group: input.text('group', { max: 128 }),
    deduplication: input.text('deduplication', { max: 128 }),
  }
  input.end()
  if (Buffer.byteLength(given.text) > MAX_BYTES) throw invalidParameter(`body has over ${MAX_BYTES} bytes.`)
  return draftMessage(given, queue, control)
}

/** Says which message it is that is wrong. */
function within<T>(place: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof SqsError || error instanceof LambdaError) throw invalidParameter(`${place}: ${error.message}`)
    throw error
  }
}
