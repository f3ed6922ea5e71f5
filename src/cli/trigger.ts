import type { EventSourceMappingConfiguration } from '@aws-sdk/client-lambda'
import type { Command } from './command.ts'
import { integerOption, listOption } from './parse.ts'
import { queueArn } from './queue.ts'
import { NAME, QUALIFIED_NAME, remote, type Session } from './remote.ts'
import { formatTable } from './table.ts'

const ID = { name: 'ID', about: 'The trigger, as "ampoule trigger list" has it.', required: true } as const

export const triggerCommands: readonly Command[] = [
  remote({
    name: 'trigger create',
    summary: 'Give a function the messages of a queue.',
    positionals: [QUALIFIED_NAME, { name: 'QUEUE', about: 'The queue, by name or ARN.', required: true }],
    options: {
      'batch-size': { type: 'string', value: 'N', about: 'Messages of one invocation at most, 1 to 10000; 10 when left out.' },
      window: {
        type: 'string',
        value: 'SECONDS',
        about: 'How long messages are gathered, up to 300; needed for batches over 10.',
      },
      concurrency: { type: 'string', value: 'N', about: 'Batches at once, 2 to 1000.' },
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
      const source = argument(1)
      const concurrency = integerOption(input, 'concurrency', { min: 2, max: 1000 })
      const filters = listOption(input, 'filter')
      const json = await client.call('CreateEventSourceMapping', {
        FunctionName: argument(0),
        EventSourceArn: source.startsWith('arn:') ? source : await queueArn(session, source),
        Enabled: input.values['paused'] !== true,
        BatchSize: integerOption(input, 'batch-size', { min: 1, max: 10_000 }),
        MaximumBatchingWindowInSeconds: integerOption(input, 'window', { min: 0, max: 300 }),
        ...(concurrency !== undefined && { ScalingConfig: { MaximumConcurrency: concurrency } }),
        ...(filters.length > 0 && { FilterCriteria: { Filters: filters.map((Pattern) => ({ Pattern })) } }),
        ...(input.values['partial'] === true && { FunctionResponseTypes: ['ReportBatchItemFailures'] }),
      })
      return { json, text: json.UUID ?? '' }
    },
  }),
  remote({
    name: 'trigger list',
    summary: 'List which queues functions are given messages of.',
    positionals: [{ ...NAME, about: 'Only those of this function.', required: false }],
    async run({ client, argument }) {
      const FunctionName = argument(0) === '' ? undefined : argument(0)
      const json = await client.list('ListEventSourceMappings', { FunctionName }, 'EventSourceMappings')
      const rows = json.EventSourceMappings.map((one) => [
        one.UUID ?? '',
        last(one.FunctionArn, 'function:'),
        last(one.EventSourceArn, ':'),
        stateOf(one),
        String(one.BatchSize),
        one.LastProcessingResult ?? '',
      ])
      return { json, text: formatTable(['id', 'function', 'source', 'state', 'batch', 'result'], rows) }
    },
  }),
  remote({
    name: 'trigger pause',
    summary: 'Read no more from a queue; its messages stay there.',
    positionals: [ID],
    run: (session) => enable(session, false),
  }),
  remote({
    name: 'trigger resume',
    summary: 'Read from a queue again.',
    positionals: [ID],
    run: (session) => enable(session, true),
  }),
  remote({
    name: 'trigger delete',
    summary: 'Give a function no more messages of a queue.',
    positionals: [ID],
    async run({ client, argument }) {
      const json = await client.call('DeleteEventSourceMapping', { UUID: argument(0) })
      return { json, text: `${argument(0)} is deleted` }
    },
  }),
]

async function enable({ client, argument }: Session, Enabled: boolean) {
  const json = await client.call('UpdateEventSourceMapping', { UUID: argument(0), Enabled })
  return { json, text: `${argument(0)} is ${stateOf(json)}` }
}

const stateOf = ({ State }: Pick<EventSourceMappingConfiguration, 'State'>): string =>
  State === 'Enabled' ? 'at work' : 'paused'

const last = (arn: string | undefined, mark: string): string => {
  const text = arn ?? ''
  return text.slice(text.lastIndexOf(mark) + mark.length)
}
