import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awsCli } from '../tools/aws-cli.ts'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from './management/host.ts'
import { logOf, logsClient, messages } from './logs/client.ts'

const cli = awsCli()
const lacking = 'missing' in cli ? ` (${cli.missing})` : ''
const DATA = Buffer.from('home').toString('base64')
const ACCOUNT = '000000000000'

describe.skipIf(lacking !== '')(`by the aws command line${lacking}`, () => {
  let managed: ManagedHost
  beforeAll(async () => {
    managed = await startManaged()
    const source = `export const handler = async (event) => console.log('got ' + JSON.stringify(event.Records ?? event))`
    await create(managed.client, await nodeFunction('fn', source))
  })
  afterAll(async () => {
    await managed.stop()
    await removeFolders()
  })

  const aws = async (...args: string[]): Promise<Record<string, unknown>> => {
    if ('missing' in cli) throw new Error(cli.missing)
    const { stdout, stderr, code } = await cli.run(args, { endpoint: managed.host.managementUrl ?? '' })
    expect({ args, stderr, code }).toEqual({ args, stderr: '', code: 0 })
    return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>)
  }
  const got = async () => {
    const logs = logsClient(managed.host.managementUrl ?? '')
    try {
      return messages(await logOf(logs, 'fn')).join('\n')
    } finally {
      logs.destroy()
    }
  }
  const WAIT = { timeout: 20_000, interval: 100 }

  it('queues work: sent, peeked at, given to a function', async () => {
    const { QueueUrl } = await aws('sqs', 'create-queue', '--queue-name', 'orders', '--attributes', '{"VisibilityTimeout":"30"}')
    const url = ['--queue-url', String(QueueUrl)]
    await aws('sqs', 'send-message', ...url, '--message-body', 'größe')
    const received = await aws('sqs', 'receive-message', ...url, '--visibility-timeout', '0', '--attribute-names', 'All')
    expect(received).toMatchObject({ Messages: [{ Body: 'größe', Attributes: { ApproximateReceiveCount: '1' } }] })
    const counts = await aws('sqs', 'get-queue-attributes', ...url, '--attribute-names', 'All')
    expect(counts).toMatchObject({ Attributes: { ApproximateNumberOfMessages: '1', VisibilityTimeout: '30' } })
    const source = ['--event-source-arn', `arn:aws:sqs:us-east-1:${ACCOUNT}:orders`]
    await aws('lambda', 'create-event-source-mapping', '--function-name', 'fn', ...source)
    await expect.poll(got, WAIT).toContain('größe')
  })

  it('streams work: put, read, given to a function', async () => {
    const stream = ['--stream-name', 'clicks']
    await aws('kinesis', 'create-stream', ...stream, '--shard-count', '1')
    const put = await aws('kinesis', 'put-record', ...stream, '--partition-key', 'ada', '--data', DATA)
    expect(put).toMatchObject({ ShardId: 'shardId-000000000000' })
    const place = ['--shard-id', 'shardId-000000000000', '--shard-iterator-type', 'TRIM_HORIZON']
    const { ShardIterator } = await aws('kinesis', 'get-shard-iterator', ...stream, ...place)
    const { Records } = await aws('kinesis', 'get-records', '--shard-iterator', String(ShardIterator))
    const [{ PartitionKey, Data }] = Records as [{ PartitionKey: string; Data: string }]
    expect(PartitionKey).toBe('ada')
    // The first major version takes data as they are, the second one takes base64.
    expect([DATA, Buffer.from(DATA).toString('base64')]).toContain(Data)
    const source = [
      '--event-source-arn',
      `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/clicks`,
      '--starting-position',
      'TRIM_HORIZON',
    ]
    await aws('lambda', 'create-event-source-mapping', '--function-name', 'fn', ...source)
    await expect.poll(got, WAIT).toContain(Data)
  })

  it('schedules work: created, shown, run', async () => {
    const at = new Date(Date.now() + 2_000).toISOString().slice(0, 19)
    const target = `Arn=arn:aws:lambda:us-east-1:${ACCOUNT}:function:fn,RoleArn=arn:aws:iam::${ACCOUNT}:role/any,Input="{\\"tick\\":1}"`
    const expression = ['--schedule-expression', `at(${at})`, '--flexible-time-window', 'Mode=OFF', '--target', target]
    await aws('scheduler', 'create-schedule', '--name', 'once', ...expression)
    expect(await aws('scheduler', 'get-schedule', '--name', 'once')).toMatchObject({ ScheduleExpression: `at(${at})` })
    await expect.poll(got, WAIT).toContain('{"tick":1}')
  })
})
