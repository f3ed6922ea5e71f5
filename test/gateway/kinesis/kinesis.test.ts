import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DecreaseStreamRetentionPeriodCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  ListStreamsCommand,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RemoveTagsFromStreamCommand,
  SplitShardCommand,
  waitUntilStreamExists,
  type GetShardIteratorCommandInput,
  type KinesisClient,
} from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKeys } from '../../../src/identity/key-folder.ts'
import { removeFolders, startManaged, temporaryFolder, type ManagedHost } from '../management/host.ts'
import { kinesisClient } from './client.ts'

let managed: ManagedHost
let client: KinesisClient
beforeAll(async () => {
  managed = await startManaged({ lanes: 1 })
  client = kinesisClient(managed)
})
afterAll(async () => {
  client.destroy()
  await managed.stop()
  await removeFolders()
})

const ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream'
const FIRST = 'shardId-000000000000'
let made = 0

async function stream(ShardCount = 1): Promise<string> {
  const StreamName = `stream-${made++}`
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }))
  return StreamName
}

const put = (StreamName: string, text: string, PartitionKey = 'key') =>
  client.send(new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(text) }))

async function read(StreamName: string, from: Partial<GetShardIteratorCommandInput> = {}, Limit?: number) {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName, ShardId: FIRST, ShardIteratorType: 'TRIM_HORIZON', ...from }),
  )
  return await client.send(new GetRecordsCommand({ ShardIterator, Limit }))
}

const texts = (records: readonly { readonly Data: Uint8Array | undefined }[] | undefined) =>
  records?.map(({ Data }) => Buffer.from(Data ?? []).toString())

describe('streams', () => {
  it('are created, described, listed, changed and deleted', async () => {
    const StreamName = 'made'
    await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2, Tags: { team: 'a' } }))
    await waitUntilStreamExists({ client, maxWaitTime: 20 }, { StreamName })
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
    expect(StreamDescriptionSummary).toMatchObject({
      StreamName,
      StreamARN: `${ARN}/made`,
      StreamStatus: 'ACTIVE',
      OpenShardCount: 2,
      RetentionPeriodHours: 24,
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
      StreamCreationTimestamp: expect.any(Date) as Date,
    })
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamARN: `${ARN}/made`, Limit: 1 }))
    expect(StreamDescription).toMatchObject({
      HasMoreShards: true,
      Shards: [{ ShardId: FIRST, HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 127n - 1n) } }],
    })
    await client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 48 }))
    const longer = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
    expect(longer.StreamDescriptionSummary?.RetentionPeriodHours).toBe(48)
    await client.send(new DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 24 }))
    await client.send(new AddTagsToStreamCommand({ StreamName, Tags: { stage: 'b' } }))
    await client.send(new RemoveTagsFromStreamCommand({ StreamName, TagKeys: ['team'] }))
    expect((await client.send(new ListTagsForStreamCommand({ StreamName }))).Tags).toEqual([{ Key: 'stage', Value: 'b' }])
    await client.send(new CreateStreamCommand({ StreamName: 'made-2', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }))
    const page = await client.send(new ListStreamsCommand({ Limit: 1 }))
    expect(page).toMatchObject({ StreamNames: ['made'], HasMoreStreams: true })
    const rest = await client.send(new ListStreamsCommand({ NextToken: page.NextToken }))
    expect(rest).toMatchObject({ StreamNames: ['made-2'], HasMoreStreams: false })
    await client.send(new DeleteStreamCommand({ StreamName }))
    await expect(client.send(new DescribeStreamSummaryCommand({ StreamName }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Stream made under account 000000000000 not found.',
    })
  })

  it('keep records in their order, and give them from every kind of position', async () => {
    const name = await stream()
    const first = await put(name, 'a')
    expect(first.ShardId).toBe(FIRST)
    await put(name, 'b')
    const between = new Date()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await put(name, 'ü')
    const { Records, MillisBehindLatest, NextShardIterator } = await read(name)
    expect(texts(Records)).toEqual(['a', 'b', 'ü'])
    expect(Records?.[0]).toMatchObject({
      PartitionKey: 'key',
      SequenceNumber: first.SequenceNumber,
      ApproximateArrivalTimestamp: expect.any(Date) as Date,
    })
    expect(MillisBehindLatest).toBe(0)
    await put(name, 'd')
    const next = await client.send(new GetRecordsCommand({ ShardIterator: NextShardIterator }))
    expect(texts(next.Records)).toEqual(['d'])
    const StartingSequenceNumber = first.SequenceNumber
    const at = await read(name, { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber })
    expect(texts(at.Records)).toEqual(['a', 'b', 'ü', 'd'])
    const after = await read(name, { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber }, 1)
    expect(texts(after.Records)).toEqual(['b'])
    expect(after.MillisBehindLatest).toBeGreaterThan(0)
    const since = await read(name, { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: between })
    expect(texts(since.Records)).toEqual(['ü', 'd'])
    expect((await read(name, { ShardIteratorType: 'LATEST' })).Records).toEqual([])
  })

  it('take many records at once, each to the shard of its key', async () => {
    const StreamName = await stream(4)
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`)
    const answer = await client.send(
      new PutRecordsCommand({ StreamName, Records: keys.map((key) => ({ PartitionKey: key, Data: Buffer.from(key) })) }),
    )
    expect(answer).toMatchObject({ FailedRecordCount: 0 })
    const shards = answer.Records?.map(({ ShardId }) => ShardId) ?? []
    expect(new Set(shards).size).toBe(4)
    for (const ShardId of new Set(shards)) {
      const { Records } = await read(StreamName, { ShardId })
      expect(texts(Records)).toEqual(keys.filter((_, index) => shards[index] === ShardId))
    }
    const [, second] = (await client.send(new ListShardsCommand({ StreamName }))).Shards ?? []
    const ExplicitHashKey = second?.HashKeyRange?.StartingHashKey
    const placed = await client.send(
      new PutRecordCommand({ StreamName, PartitionKey: 'x', ExplicitHashKey, Data: Buffer.from('x') }),
    )
    expect(placed.ShardId).toBe('shardId-000000000001')
  })

  it('are split and merged', async () => {
    const StreamName = await stream()
    await put(StreamName, 'before')
    await client.send(
      new SplitShardCommand({ StreamName, ShardToSplit: FIRST, NewStartingHashKey: '170141183460469231731687303715884105728' }),
    )
    const old = await read(StreamName)
    expect(texts(old.Records)).toEqual(['before'])
    expect(old.NextShardIterator).toBeUndefined()
    expect(old.ChildShards).toMatchObject([
      { ShardId: 'shardId-000000000001', ParentShards: [FIRST] },
      { ShardId: 'shardId-000000000002', ParentShards: [FIRST] },
    ])
    await client.send(
      new MergeShardsCommand({ StreamName, ShardToMerge: 'shardId-000000000001', AdjacentShardToMerge: 'shardId-000000000002' }),
    )
    const page = await client.send(new ListShardsCommand({ StreamName, MaxResults: 3 }))
    expect(page.Shards).toHaveLength(3)
    const last = await client.send(new ListShardsCommand({ NextToken: page.NextToken }))
    expect(last.Shards).toMatchObject([
      {
        ShardId: 'shardId-000000000003',
        ParentShardId: 'shardId-000000000001',
        AdjacentParentShardId: 'shardId-000000000002',
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) },
      },
    ])
    expect(last.NextToken).toBeUndefined()
  })

  it('are spoken to by HTTP/1.1 as well', async () => {
    const response = await fetch(managed.host.managementUrl ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.ListStreams' },
      body: '{}',
    })
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ HasMoreStreams: false })])
  })

  it('take records by plain HTTP, one or many', async () => {
    const name = await stream()
    const post = async (body: unknown, to = name) => {
      const response = await fetch(new URL(`/streams/${to}/records`, managed.host.managementUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    expect(await post({ key: 'k', data: { a: 1 } })).toMatchObject({
      status: 200,
      body: { records: [{ shard: FIRST, sequence: expect.stringMatching(/^\d+$/) as string }] },
    })
    await post({
      records: [
        { key: 'k', data: 'text' },
        { key: 'l', base64: '/w==' },
      ],
    })
    const { Records } = await read(name)
    expect(Records?.map(({ PartitionKey, Data }) => [PartitionKey, Buffer.from(Data ?? []).toString('latin1')])).toEqual([
      ['k', '{"a":1}'],
      ['k', 'text'],
      ['l', '\xff'],
    ])
    expect(await post({ key: 'k', data: 'x' }, 'no')).toMatchObject({ status: 404, body: { message: 'There is no stream no.' } })
    for (const [body, message] of [
      [{ data: 'x' }, 'The record: key is missing'],
      [{ records: [{ key: 'k', data: 'x' }, { key: 'k' }] }, 'records[1]: data or base64 is missing'],
      [{ key: 'k', data: 'x', more: 1 }, '"more" is not provided'],
      [{ key: 'k', base64: '!' }, 'base64 is not valid'],
      [{ key: 'k', data: 'x'.repeat(1_048_577) }, 'data has over 1048576 bytes'],
    ] as const)
      expect(await post(body)).toMatchObject({ status: 400, body: { message: expect.stringContaining(message) as string } })
  })

  it('are there again with their records when the host was restarted', async () => {
    const first = await startManaged({ lanes: 1 })
    const before = kinesisClient(first)
    await before.send(new CreateStreamCommand({ StreamName: 'kept', ShardCount: 1 }))
    await before.send(new PutRecordCommand({ StreamName: 'kept', PartitionKey: 'k', Data: Buffer.from('kept') }))
    // Its connection stays open, and does not keep the host from ending.
    await first.stop()
    before.destroy()
    const second = await startManaged({ lanes: 1, dataDir: first.folder })
    const after = kinesisClient(second)
    const { ShardIterator } = await after.send(
      new GetShardIteratorCommand({ StreamName: 'kept', ShardId: FIRST, ShardIteratorType: 'TRIM_HORIZON' }),
    )
    expect(texts((await after.send(new GetRecordsCommand({ ShardIterator }))).Records)).toEqual(['kept'])
    after.destroy()
    await second.stop()
  })
})

it('are for those who sign their requests, over HTTP/2 as well', async () => {
  const dataDir = await temporaryFolder()
  const keys = await openKeys(dataDir, undefined)
  const { id: accessKeyId, secret: secretAccessKey } = await keys.create()
  await keys.close()
  const key = { accessKeyId, secretAccessKey }
  const signed = await startManaged({ lanes: 1, dataDir, managementAccess: 'signed' }, key)
  const [good, bad] = [key, { ...key, secretAccessKey: 'another' }].map((credentials) => kinesisClient(signed, { credentials }))
  await good?.send(new CreateStreamCommand({ StreamName: 'signed', ShardCount: 1 }))
  expect((await good?.send(new ListStreamsCommand({})))?.StreamNames).toEqual(['signed'])
  await expect(bad?.send(new ListStreamsCommand({}))).rejects.toMatchObject({ name: 'InvalidSignatureException' })
  for (const one of [good, bad]) one?.destroy()
  await signed.stop()
})

describe('a request to Kinesis', () => {
  const Data = Buffer.from('x')
  const refused = (name: string, message: string) => ({ name, message: expect.stringContaining(message) as string })

  it.each<[string, object, string, string]>([
    ['a name that is taken', new CreateStreamCommand({ StreamName: 'taken' }), 'ResourceInUseException', 'already exists'],
    ['a name that is none', new CreateStreamCommand({ StreamName: 'a b' }), 'ValidationException', "Value 'a b' at 'StreamName'"],
    [
      'too many shards',
      new CreateStreamCommand({ StreamName: 'x', ShardCount: 201 }),
      'ValidationException',
      'less than or equal to 200',
    ],
    [
      'no stream',
      new PutRecordCommand({ PartitionKey: 'k', Data }),
      'InvalidArgumentException',
      'Either StreamARN or StreamName',
    ],
    [
      'a stream elsewhere',
      new PutRecordCommand({ StreamARN: 'arn:aws:kinesis:eu-west-1:000000000000:stream/taken', PartitionKey: 'k', Data }),
      'InvalidArgumentException',
      'is of no stream of this host',
    ],
    [
      'a stream that there is not',
      new PutRecordCommand({ StreamName: 'no', PartitionKey: 'k', Data }),
      'ResourceNotFoundException',
      'no stream no',
    ],
    [
      'no key',
      new PutRecordCommand({ StreamName: 'taken', PartitionKey: undefined, Data }),
      'ValidationException',
      'PartitionKey',
    ],
    [
      'a key that is too long',
      new PutRecordCommand({ StreamName: 'taken', PartitionKey: 'k'.repeat(257), Data }),
      'ValidationException',
      'PartitionKey',
    ],
    [
      'too much data',
      new PutRecordCommand({ StreamName: 'taken', PartitionKey: 'k', Data: Buffer.alloc(1_048_577) }),
      'ValidationException',
      "Value '1048577 bytes' at 'Data'",
    ],
    [
      'a hash key that is too large',
      new PutRecordCommand({
        StreamName: 'taken',
        PartitionKey: 'k',
        ExplicitHashKey: '340282366920938463463374607431768211456',
        Data,
      }),
      'InvalidArgumentException',
      'must be below 2^128',
    ],
    ['no records', new PutRecordsCommand({ StreamName: 'taken', Records: [] }), 'ValidationException', 'There are 0 records'],
    [
      'too many bytes',
      new PutRecordsCommand({
        StreamName: 'taken',
        Records: Array.from({ length: 6 }, () => ({ PartitionKey: 'k', Data: Buffer.alloc(1_000_000) })),
      }),
      'InvalidArgumentException',
      'the limit is 5242880',
    ],
    [
      'an iterator that is none',
      new GetRecordsCommand({ ShardIterator: 'nonsense' }),
      'InvalidArgumentException',
      'Invalid ShardIterator',
    ],
    [
      'an iterator that is too old',
      new GetRecordsCommand({ ShardIterator: Buffer.from(JSON.stringify(['taken', 0, 0, 1000])).toString('base64url') }),
      'ExpiredIteratorException',
      'Iterator expired',
    ],
    [
      'a shard that there is not',
      new GetShardIteratorCommand({ StreamName: 'taken', ShardId: 'shardId-000000000009', ShardIteratorType: 'LATEST' }),
      'ResourceNotFoundException',
      'no shard 9',
    ],
    [
      'a position that is missing',
      new GetShardIteratorCommand({ StreamName: 'taken', ShardId: FIRST, ShardIteratorType: 'AT_SEQUENCE_NUMBER' }),
      'InvalidArgumentException',
      'StartingSequenceNumber must be given',
    ],
    [
      'shards that are not adjacent',
      new MergeShardsCommand({ StreamName: 'taken', ShardToMerge: FIRST, AdjacentShardToMerge: FIRST }),
      'InvalidArgumentException',
      'are not adjacent',
    ],
    [
      'a retention under a day',
      new DecreaseStreamRetentionPeriodCommand({ StreamName: 'taken', RetentionPeriodHours: 1 }),
      'InvalidArgumentException',
      'must be from 24 to 8760 hours',
    ],
    ['a token that is none', new ListShardsCommand({ NextToken: 'nonsense' }), 'InvalidArgumentException', 'NextToken'],
  ])('is refused with %s', async (_, command, name, message) => {
    await client.send(new CreateStreamCommand({ StreamName: 'taken' })).catch(() => undefined)
    await expect(client.send(command as ListStreamsCommand)).rejects.toMatchObject(refused(name, message))
  })
})
