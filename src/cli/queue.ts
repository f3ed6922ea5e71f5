import { AmpouleError } from '../errors.ts'
import type { Command, Input } from './command.ts'
import { integerOption, textOption } from './parse.ts'
import { remote, type Session } from './remote.ts'
import { formatFields, formatTable, formatTime } from './table.ts'

const NAME = { name: 'NAME', about: 'The queue.', required: true } as const
const SECONDS = { type: 'string', value: 'SECONDS' } as const

export const queueCommands: readonly Command[] = [
  remote({
    name: 'queue create',
    summary: 'Make a queue; a name that ends with .fifo makes one that keeps the order.',
    positionals: [NAME],
    options: {
      visibility: { ...SECONDS, about: 'How long a message is out of sight of others while somebody has it; 30 when left out.' },
      delay: { ...SECONDS, about: 'How long after it was sent a message can be received first; 0 when left out.' },
      retention: { ...SECONDS, about: 'After which a message is thrown away; 345600 (4 days) when left out.' },
      'dead-letters': { type: 'string', value: 'QUEUE', about: 'Where a message goes that was received too often.' },
      'max-receives': { type: 'string', value: 'N', about: 'How often that is.', default: '3' },
    },
    async run(session) {
      const name = session.argument(0)
      const json = await sqs(session, 'CreateQueue', { QueueName: name, Attributes: await attributesOf(session, name) })
      return { json, text: String(json['QueueUrl']), next: `ampoule trigger create FUNCTION ${name}` }
    },
  }),
  remote({
    name: 'queue list',
    summary: 'List the queues of a host, and how many messages they have.',
    async run(session) {
      const names = await list(session)
      const queues = await Promise.all(names.map(async (name) => ({ name, ...(await stats(session, name)) })))
      const rows = queues.map(({ name, waiting, received, delayed }) => [
        name,
        String(waiting),
        String(received),
        String(delayed),
      ])
      return { json: { queues }, text: formatTable(['queue', 'waiting', 'received', 'delayed'], rows) }
    },
  }),
  remote({
    name: 'queue send',
    summary: 'Send messages to a queue.',
    positionals: [NAME, { name: 'BODY', about: 'The messages.', required: true, repeats: true }],
    options: {
      delay: { ...SECONDS, about: 'How long they cannot be received; as the queue has it when left out.' },
      group: { type: 'string', value: 'GROUP', about: 'Message group, for FIFO queues.' },
      deduplication: { type: 'string', value: 'ID', about: 'Deduplication id, for one message of a FIFO queue.' },
    },
    async run({ input, argument, ask }) {
      const delaySeconds = integerOption(input, 'delay', { min: 0, max: 900 })
      const [group, deduplication] = [textOption(input, 'group'), textOption(input, 'deduplication')]
      const messages = input.positionals.slice(1).map((body) => ({
        body,
        ...(delaySeconds !== undefined && { delaySeconds }),
        ...(group !== undefined && { group }),
        ...(deduplication !== undefined && { deduplication }),
      }))
      const path = `/queues/${encodeURIComponent(argument(0))}/messages`
      const json = (await ask({ method: 'POST', path, headers: JSON_TYPE, body: { messages } })) as {
        readonly messages: readonly { readonly id: string }[]
      }
      return { json, text: json.messages.map(({ id }) => id).join('\n') }
    },
  }),
  remote({
    name: 'queue peek',
    summary: 'Show messages that wait in a queue, without receiving them.',
    positionals: [NAME],
    options: { limit: { type: 'string', value: 'N', about: 'At most so many, up to 100.', default: '10' } },
    async run({ input, argument, ask }) {
      const limit = integerOption(input, 'limit', { min: 1, max: 100 }) ?? 10
      const path = `/queues/${encodeURIComponent(argument(0))}/messages`
      const json = (await ask({ method: 'GET', path, query: { limit: String(limit) } })) as {
        readonly messages: readonly Peeked[]
      }
      if (json.messages.length === 0) return { json, text: 'no message can be received now' }
      const rows = json.messages.map(({ id, sent, receives, body, base64 }) => [
        id,
        sent.slice(0, 19).replace('T', ' '),
        String(receives),
        body ?? `${base64} (base64)`,
      ])
      return { json, text: formatTable(['id', 'sent', 'receives', 'body'], rows) }
    },
  }),
  remote({
    name: 'queue stats',
    summary: 'Show how many messages a queue has, and what it is like.',
    positionals: [NAME],
    async run(session) {
      const name = session.argument(0)
      const json = await sqs(session, 'GetQueueAttributes', { QueueUrl: name, AttributeNames: ['All'] })
      const { waiting, received, delayed, attributes } = toStats(json)
      const text = formatFields({
        waiting,
        received,
        delayed,
        visibility: `${attributes['VisibilityTimeout']} s`,
        delay: `${attributes['DelaySeconds']} s`,
        retention: `${attributes['MessageRetentionPeriod']} s`,
        'dead letters': deadLettersOf(attributes),
        created: `${formatTime(new Date(Number(attributes['CreatedTimestamp']) * 1000).toISOString())} UTC`,
        arn: attributes['QueueArn'],
      })
      return { json, text }
    },
  }),
  remote({
    name: 'queue purge',
    summary: 'Delete all messages of a queue.',
    positionals: [NAME],
    async run(session) {
      const json = await sqs(session, 'PurgeQueue', { QueueUrl: session.argument(0) })
      return { json, text: `${session.argument(0)} is empty` }
    },
  }),
  remote({
    name: 'queue redrive',
    summary: 'Send dead letters back to the queues where they come from.',
    positionals: [{ ...NAME, about: 'The dead-letter queue.' }],
    options: {
      to: { type: 'string', value: 'QUEUE', about: 'To this queue instead.' },
      rate: { type: 'string', value: 'N', about: 'At most so many a second, up to 500.' },
    },
    async run(session) {
      const { input, argument } = session
      const [to, rate] = [textOption(input, 'to'), integerOption(input, 'rate', { min: 1, max: 500 })]
      const json = await sqs(session, 'StartMessageMoveTask', {
        SourceArn: await queueArn(session, argument(0)),
        ...(to !== undefined && { DestinationArn: await queueArn(session, to) }),
        ...(rate !== undefined && { MaxNumberOfMessagesPerSecond: rate }),
      })
      return { json, text: `messages of ${argument(0)} go ${to === undefined ? 'where they come from' : `to ${to}`}` }
    },
  }),
  remote({
    name: 'queue delete',
    summary: 'Delete a queue with its messages.',
    positionals: [NAME],
    async run(session) {
      const json = await sqs(session, 'DeleteQueue', { QueueUrl: session.argument(0) })
      return { json, text: `${session.argument(0)} is deleted` }
    },
  }),
]

interface Peeked {
  readonly id: string
  readonly sent: string
  readonly receives: number
  readonly body?: string
  readonly base64?: string
}

type Attributes = Readonly<Record<string, string>>

const JSON_TYPE = { 'content-type': 'application/json' }

const sqs = async ({ ask }: Session, operation: string, body: object): Promise<Readonly<Record<string, unknown>>> =>
  (await ask({
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
    body,
    service: 'sqs',
  })) as Readonly<Record<string, unknown>>

/** The ARN of a queue that there is. */
export async function queueArn(session: Session, name: string): Promise<string> {
  const answer = await sqs(session, 'GetQueueAttributes', { QueueUrl: name, AttributeNames: ['QueueArn'] })
  return (answer['Attributes'] as Attributes)['QueueArn'] ?? ''
}

async function attributesOf(session: Session, name: string): Promise<Attributes> {
  const { input } = session
  const numbers = { visibility: 'VisibilityTimeout', delay: 'DelaySeconds', retention: 'MessageRetentionPeriod' }
  const given = Object.entries(numbers).flatMap(([option, attribute]) => {
    const value = textOption(input, option)
    return value === undefined ? [] : [[attribute, value] as const]
  })
  return {
    ...Object.fromEntries(given),
    ...(name.endsWith('.fifo') && { FifoQueue: 'true', ContentBasedDeduplication: 'true' }),
    ...(await redriveOf(session, input)),
  }
}

async function redriveOf(session: Session, input: Input): Promise<Attributes> {
  const queue = textOption(input, 'dead-letters')
  if (queue === undefined) return {}
  const maxReceiveCount = integerOption(input, 'max-receives', { min: 1, max: 1000 })
  return { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: await queueArn(session, queue), maxReceiveCount }) }
}

async function list(session: Session): Promise<readonly string[]> {
  const names: string[] = []
  let NextToken: string | undefined
  do {
    const page = await sqs(session, 'ListQueues', { MaxResults: 1000, ...(NextToken !== undefined && { NextToken }) })
    const urls = (page['QueueUrls'] ?? []) as readonly string[]
    names.push(...urls.map((url) => url.slice(url.lastIndexOf('/') + 1)))
    NextToken = page['NextToken'] as string | undefined
  } while (NextToken !== undefined)
  return names
}

interface Stats {
  readonly waiting: number
  readonly received: number
  readonly delayed: number
}

async function stats(session: Session, name: string): Promise<Stats> {
  const { attributes: _, ...counts } = toStats(
    await sqs(session, 'GetQueueAttributes', { QueueUrl: name, AttributeNames: ['All'] }),
  )
  return counts
}

function toStats(answer: Readonly<Record<string, unknown>>): Stats & { readonly attributes: Attributes } {
  const attributes = answer['Attributes'] as Attributes
  return {
    waiting: Number(attributes['ApproximateNumberOfMessages']),
    received: Number(attributes['ApproximateNumberOfMessagesNotVisible']),
    delayed: Number(attributes['ApproximateNumberOfMessagesDelayed']),
    attributes,
  }
}

function deadLettersOf({ RedrivePolicy }: Attributes): string | undefined {
  if (RedrivePolicy === undefined) return undefined
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(RedrivePolicy) as {
    readonly deadLetterTargetArn?: string
    readonly maxReceiveCount?: number
  }
  if (deadLetterTargetArn === undefined) throw new AmpouleError('Internal', `the redrive policy ${RedrivePolicy} names no queue`)
  return `${deadLetterTargetArn.slice(deadLetterTargetArn.lastIndexOf(':') + 1)}, after ${maxReceiveCount} receives`
}
