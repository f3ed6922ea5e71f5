import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from './command.ts'
import { integerOption, textOption } from './parse.ts'
import { openSession, remote, REMOTE_OPTIONS, type Session } from './remote.ts'
import { formatFields, formatTable } from './table.ts'

const NAME = { name: 'NAME', about: 'The stream.', required: true } as const
/** Between looks for new records; milliseconds. */
const LOOK_MS = 500

interface Record {
  readonly SequenceNumber: string
  readonly PartitionKey: string
  /** Seconds since the epoch. */
  readonly ApproximateArrivalTimestamp: number
  /** Base64. */
  readonly Data: string
}

interface Records {
  readonly Records: readonly Record[]
  readonly NextShardIterator?: string
  readonly MillisBehindLatest: number
}

interface Summary {
  readonly StreamARN: string
  readonly OpenShardCount: number
  readonly RetentionPeriodHours: number
}

export const streamCommands: readonly Command[] = [
  remote({
    name: 'stream create',
    summary: 'Make a stream.',
    positionals: [NAME],
    options: { shards: { type: 'string', value: 'N', about: 'Parts whose records keep their order, 1 to 200.', default: '1' } },
    async run(session) {
      const StreamName = session.argument(0)
      const ShardCount = integerOption(session.input, 'shards', { min: 1, max: 200 })
      await kinesis(session, 'CreateStream', { StreamName, ShardCount })
      const json = await summaryOf(session, StreamName)
      return { json, text: json.StreamARN, next: `ampoule trigger create FUNCTION ${StreamName} --stream` }
    },
  }),
  remote({
    name: 'stream list',
    summary: 'List the streams of a host.',
    async run(session) {
      const names: string[] = []
      let page: { readonly StreamNames: readonly string[]; readonly NextToken?: string } | undefined
      do {
        page = await kinesis(session, 'ListStreams', page?.NextToken === undefined ? {} : { NextToken: page.NextToken })
        names.push(...page.StreamNames)
      } while (page.NextToken !== undefined)
      const Streams = await Promise.all(names.map(async (name) => ({ StreamName: name, ...(await summaryOf(session, name)) })))
      const rows = Streams.map((one) => [one.StreamName, String(one.OpenShardCount), `${one.RetentionPeriodHours} h`])
      return { json: { Streams }, text: formatTable(['stream', 'shards', 'retention'], rows) }
    },
  }),
  remote({
    name: 'stream put',
    summary: 'Put records in a stream.',
    positionals: [NAME, { name: 'DATA', about: 'The records, in order.', required: true, repeats: true }],
    options: {
      key: { type: 'string', value: 'KEY', about: 'Partition key: records of one key keep their order.', default: 'key' },
    },
    async run({ input, argument, ask }) {
      const key = textOption(input, 'key') ?? 'key'
      const records = input.positionals.slice(1).map((data) => ({ key, data }))
      const path = `/streams/${encodeURIComponent(argument(0))}/records`
      const headers = { 'content-type': 'application/json' }
      const json = (await ask({ method: 'POST', path, headers, body: { records } })) as {
        readonly records: readonly { readonly shard: string; readonly sequence: string }[]
      }
      return { json, text: json.records.map(({ shard, sequence }) => `${shard} ${sequence}`).join('\n') }
    },
  }),
  {
    name: 'stream tail',
    summary: 'Print the records of a stream, those of each shard in their order.',
    positionals: [NAME],
    options: {
      follow: { type: 'boolean', about: 'Go on with what comes, until Ctrl-C.' },
      latest: { type: 'boolean', about: 'Only what comes from now on.' },
      ...REMOTE_OPTIONS,
      json: { type: 'boolean', about: "Print JSON lines: the API's own records." },
    },
    async run(input, io) {
      const session = await openSession(input, io)
      const follow = input.values['follow'] === true || input.values['latest'] === true
      const type = input.values['latest'] === true ? 'LATEST' : 'TRIM_HORIZON'
      const show = input.values['json'] === true ? JSON.stringify : format
      const shards = new Map<string, string>()
      const seen = new Set<string>()
      for (;;) {
        for (const shard of await shardsOf(session, input.positionals[0] ?? ''))
          if (!seen.has(shard)) {
            // What comes of a split is new as a whole.
            const from = seen.size === 0 || shards.size === 0 ? type : 'TRIM_HORIZON'
            shards.set(shard, await iteratorOf(session, input.positionals[0] ?? '', shard, from))
          }
        for (const shard of shards.keys()) seen.add(shard)
        let more = false
        for (const [shard, ShardIterator] of shards) {
          const page = await kinesis<Records>(session, 'GetRecords', { ShardIterator })
          for (const record of page.Records) io.stdout.write(`${show({ ShardId: shard, ...record })}\n`)
          more ||= page.MillisBehindLatest > 0
          if (page.NextShardIterator === undefined) shards.delete(shard)
          else shards.set(shard, page.NextShardIterator)
        }
        if (io.signal.aborted || (!follow && !more)) return 0
        if (!more) await pause(LOOK_MS, undefined, { signal: io.signal }).catch(() => undefined)
      }
    },
  },
  remote({
    name: 'stream stats',
    summary: 'Show what a stream is like.',
    positionals: [NAME],
    async run(session) {
      const json = await summaryOf(session, session.argument(0))
      const text = formatFields({ shards: json.OpenShardCount, retention: `${json.RetentionPeriodHours} h`, arn: json.StreamARN })
      return { json, text }
    },
  }),
  remote({
    name: 'stream delete',
    summary: 'Delete a stream with its records.',
    positionals: [NAME],
    async run(session) {
      const json = await kinesis(session, 'DeleteStream', { StreamName: session.argument(0) })
      return { json, text: `${session.argument(0)} is deleted` }
    },
  }),
]

const kinesis = async <T extends object>({ ask }: Session, operation: string, body: object): Promise<T> =>
  (await ask({
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Kinesis_20131202.${operation}` },
    body,
    service: 'kinesis',
  })) as T

export async function summaryOf(session: Session, StreamName: string): Promise<Summary> {
  const answer = await kinesis<{ readonly StreamDescriptionSummary: Summary }>(session, 'DescribeStreamSummary', { StreamName })
  return answer.StreamDescriptionSummary
}

async function shardsOf(session: Session, StreamName: string): Promise<readonly string[]> {
  const { Shards } = await kinesis<{ readonly Shards: readonly { readonly ShardId: string }[] }>(session, 'ListShards', {
    StreamName,
    MaxResults: 10_000,
  })
  return Shards.map(({ ShardId }) => ShardId)
}

async function iteratorOf(session: Session, StreamName: string, ShardId: string, ShardIteratorType: string): Promise<string> {
  const answer = await kinesis<{ readonly ShardIterator: string }>(session, 'GetShardIterator', {
    StreamName,
    ShardId,
    ShardIteratorType,
  })
  return answer.ShardIterator
}

function format({ PartitionKey, ApproximateArrivalTimestamp, Data }: Record): string {
  const time = new Date(ApproximateArrivalTimestamp * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `${time}  ${PartitionKey}  ${Buffer.from(Data, 'base64').toString()}`
}
