import type { CreateEventSourceMappingRequest, EventSourceMappingConfiguration } from '@aws-sdk/client-lambda'
import { AmpouleError } from '../errors.ts'
import type { TriggerAges } from '../gateway/management/app.ts'
import { DEFAULT_ACCOUNT } from '../functions/arn.ts'
import { formatRedisArn } from '../functions/redis-arn.ts'
import { formatBusArn } from '../functions/bus-arn.ts'
import type { Command } from './command.ts'
import { integerOption, listOption, textOption } from './parse.ts'
import { queueArn } from './queue.ts'
import { NAME, QUALIFIED_NAME, remote, type Session } from './remote.ts'
import { summaryOf } from './stream.ts'
import { formatTable } from './table.ts'

const ID = { name: 'ID', about: 'The trigger, as "ampoule trigger list" has it.', required: true } as const

export const triggerCommands: readonly Command[] = [
  remote({
    name: 'trigger create',
    summary: 'Give a function the messages of a queue, the records of a stream, or CloudEvents.',
    positionals: [
      QUALIFIED_NAME,
      { name: 'SOURCE', about: 'The queue or the stream, by name or ARN; with --events left out.', required: false },
    ],
    options: {
      redis: { type: 'boolean', about: "The source is a stream of the host's Redis." },
      events: { type: 'boolean', about: 'The source is what is posted to /events; --filter says what of it.' },
      stream: { type: 'boolean', about: 'The source is a stream.' },
      from: {
        type: 'string',
        value: 'PLACE',
        about: 'Where in a stream to start: first, latest or a time; first when left out.',
      },
      'batch-size': {
        type: 'string',
        value: 'N',
        about: 'Of one invocation at most, 1 to 10000; 10 messages or 100 records when left out.',
      },
      window: {
        type: 'string',
        value: 'SECONDS',
        about: 'How long messages are gathered, up to 300; needed for batches over 10.',
      },
      concurrency: { type: 'string', value: 'N', about: "Batches at once: 2 to 1000 of a queue, 1 to 10 of a stream's shard." },
      tumbling: {
        type: 'string',
        value: 'SECONDS',
        about: 'Of a stream: windows of so long, 1 to 900, with a state that goes on.',
      },
      retries: { type: 'string', value: 'N', about: 'How often records that fail are tried again; for ever when left out.' },
      'dead-letters': { type: 'string', value: 'QUEUE', about: 'Where it is told of records that are given up.' },
      filter: {
        type: 'string',
        value: 'PATTERN',
        repeats: true,
        about: 'Only messages that one of these patterns fits, such as {"body":{"kind":["order"]}}; others are deleted.',
      },
      partial: {
        type: 'boolean',
        about: 'What the function answers as batchItemFailures comes again, and nothing else of the batch.',
      },
      paused: { type: 'boolean', about: 'Without reading from the queue until it is resumed.' },
    },
    async run(session) {
      const { client, input, argument } = session
      const filters = listOption(input, 'filter')
      const json = await client.call('CreateEventSourceMapping', {
        FunctionName: argument(0),
        ...(await sourceOf(session)),
        Enabled: input.values['paused'] !== true,
        BatchSize: integerOption(input, 'batch-size', { min: 1, max: 10_000 }),
        MaximumBatchingWindowInSeconds: integerOption(input, 'window', { min: 0, max: 300 }),
        ...(filters.length > 0 && { FilterCriteria: { Filters: filters.map((Pattern) => ({ Pattern })) } }),
        ...(input.values['partial'] === true && { FunctionResponseTypes: ['ReportBatchItemFailures'] }),
      })
      return { json, text: json.UUID ?? '' }
    },
  }),
  remote({
    name: 'trigger list',
    summary: 'List which queues and streams functions are given messages and records of.',
    positionals: [{ ...NAME, about: 'Only those of this function.', required: false }],
    async run({ client, ask, argument }) {
      const FunctionName = argument(0) === '' ? undefined : argument(0)
      const { triggers } = (await ask({ method: 'GET', path: '/_ampoule/triggers' })) as TriggerAges
      const behind = new Map(triggers.map(({ uuid, iteratorAgeMs }) => [uuid, `${Math.round(iteratorAgeMs / 1000)} s`]))
      const json = await client.list('ListEventSourceMappings', { FunctionName }, 'EventSourceMappings')
      const rows = json.EventSourceMappings.map((one) => [
        one.UUID ?? '',
        last(one.FunctionArn, 'function:'),
        one.EventSourceArn === formatBusArn(DEFAULT_ACCOUNT) ? '(events)' : last(last(one.EventSourceArn, ':'), '/'),
        stateOf(one),
        behind.get(one.UUID ?? '') ?? '',
        String(one.BatchSize ?? ''),
        one.LastProcessingResult ?? '',
      ])
      return { json, text: formatTable(['id', 'function', 'source', 'state', 'behind', 'batch', 'result'], rows) }
    },
  }),
  remote({
    name: 'trigger pause',
    summary: 'Read no more from a queue or a stream; what is there stays there.',
    positionals: [ID],
    run: (session) => enable(session, false),
  }),
  remote({
    name: 'trigger resume',
    summary: 'Read from a queue or a stream again.',
    positionals: [ID],
    run: (session) => enable(session, true),
  }),
  remote({
    name: 'trigger delete',
    summary: 'Give a function no more of a queue or a stream.',
    positionals: [ID],
    async run({ client, argument }) {
      const json = await client.call('DeleteEventSourceMapping', { UUID: argument(0) })
      return { json, text: `${argument(0)} is deleted` }
    },
  }),
]

function sourceOf(session: Session): Source | Promise<Source> {
  const { input, argument } = session
  const source = argument(1)
  if (input.values['events'] === true) {
    const other = ['stream', 'redis', ...OF_STREAMS, 'batch-size', 'window', 'concurrency', 'partial'].find(
      (name) => input.values[name],
    )
    if (source !== '' || other !== undefined)
      throw new AmpouleError(
        'InvalidRequest',
        `${source === '' ? `--${other}` : `the source ${source}`} does not go with --events`,
      )
    return { EventSourceArn: formatBusArn(DEFAULT_ACCOUNT) }
  }
  if (source === '')
    throw new AmpouleError('InvalidRequest', 'SOURCE is missing: name a queue, a stream (--stream), or give --events')
  if (input.values['redis'] === true) return ofRedis(session, source)
  return isStream(session) ? ofStream(session, source) : ofQueue(session, source)
}

const OF_STREAMS = ['from', 'tumbling', 'retries', 'dead-letters']

const isStream = ({ input, argument }: Session): boolean =>
  input.values['stream'] === true || argument(1).startsWith('arn:aws:kinesis:')

type Source = Pick<
  CreateEventSourceMappingRequest,
  | 'EventSourceArn'
  | 'ScalingConfig'
  | 'ParallelizationFactor'
  | 'TumblingWindowInSeconds'
  | 'StartingPosition'
  | 'StartingPositionTimestamp'
  | 'MaximumRetryAttempts'
  | 'DestinationConfig'
>

async function ofQueue(session: Session, source: string): Promise<Source> {
  const { input } = session
  for (const name of OF_STREAMS)
    if (input.values[name] !== undefined) throw new AmpouleError('InvalidRequest', `--${name} is for streams: add --stream`)
  const concurrency = integerOption(input, 'concurrency', { min: 2, max: 1000 })
  return {
    EventSourceArn: source.startsWith('arn:') ? source : await queueArn(session, source),
    ...(concurrency !== undefined && { ScalingConfig: { MaximumConcurrency: concurrency } }),
  }
}

async function ofRedis(session: Session, key: string): Promise<Source> {
  const from = textOption(session.input, 'from') ?? 'first'
  if (from !== 'first' && from !== 'latest')
    throw new AmpouleError('InvalidRequest', `--from is ${JSON.stringify(from)}: of a stream of Redis it must be first or latest`)
  return {
    EventSourceArn: key.startsWith('arn:') ? key : formatRedisArn(DEFAULT_ACCOUNT, key),
    StartingPosition: from === 'latest' ? 'LATEST' : 'TRIM_HORIZON',
    ...(await givingUp(session)),
  }
}

/** When what fails is given up, and who is told. */
async function givingUp(session: Session): Promise<Pick<Source, 'MaximumRetryAttempts' | 'DestinationConfig'>> {
  const failed = textOption(session.input, 'dead-letters')
  return {
    MaximumRetryAttempts: integerOption(session.input, 'retries', { min: 0, max: 10_000 }),
    ...(failed !== undefined && { DestinationConfig: { OnFailure: { Destination: await queueArn(session, failed) } } }),
  }
}

async function ofStream(session: Session, source: string): Promise<Source> {
  const { input } = session
  const from = textOption(input, 'from') ?? 'first'
  const time = from === 'first' || from === 'latest' ? undefined : new Date(from)
  if (time !== undefined && Number.isNaN(time.getTime()))
    throw new AmpouleError(
      'InvalidRequest',
      `--from is ${JSON.stringify(from)}: it must be first, latest or a time like 2026-01-31T06:00:00Z`,
    )
  return {
    EventSourceArn: source.startsWith('arn:') ? source : (await summaryOf(session, source)).StreamARN,
    StartingPosition: time !== undefined ? 'AT_TIMESTAMP' : from === 'latest' ? 'LATEST' : 'TRIM_HORIZON',
    StartingPositionTimestamp: time,
    TumblingWindowInSeconds: integerOption(input, 'tumbling', { min: 1, max: 900 }),
    ParallelizationFactor: integerOption(input, 'concurrency', { min: 1, max: 10 }),
    ...(await givingUp(session)),
  }
}

async function enable({ client, argument }: Session, Enabled: boolean) {
  const json = await client.call('UpdateEventSourceMapping', { UUID: argument(0), Enabled })
  return { json, text: `${argument(0)} is ${stateOf(json)}` }
}

const stateOf = ({ State }: Pick<EventSourceMappingConfiguration, 'State'>): string =>
  State === 'Enabled' ? 'at work' : 'paused'

const last = (arn: string | undefined, mark: string): string => {
  const text = arn ?? ''
  const at = text.lastIndexOf(mark)
  return at < 0 ? text : text.slice(at + mark.length)
}
