import { setTimeout as pause } from 'node:timers/promises'
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  UpdateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type KinesisClient,
} from '@aws-sdk/client-kinesis'
import { CreateQueueCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TriggerAges } from '../../../src/gateway/management/app.ts'
import { kinesisClient } from '../kinesis/client.ts'
import { logOf, logsClient, messages as linesOf } from '../logs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from '../management/host.ts'
import { sqsClient } from '../sqs/client.ts'

let managed: ManagedHost
let kinesis: KinesisClient
let sqs: SQSClient
let logs: ReturnType<typeof logsClient>
const connect = () => {
  kinesis = kinesisClient(managed)
  sqs = sqsClient(managed)
  logs = logsClient(managed.host.managementUrl ?? '')
}
beforeAll(async () => {
  managed = await startManaged()
  connect()
})
const stop = async () => {
  for (const client of [kinesis, sqs, logs]) client.destroy()
  await managed.stop()
}
/** The next host on the same folder. */
const restart = async () => {
  await stop()
  managed = await startManaged({ dataDir: managed.folder })
  connect()
}
afterAll(async () => {
  await stop()
  await removeFolders()
})

const WAIT = { timeout: 20_000, interval: 50 }
const ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream'
const HALF = String(2n ** 127n)

let made = 0

async function stream(ShardCount = 1): Promise<string> {
  const StreamName = `stream-${made++}`
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }))
  return StreamName
}

const put = (StreamName: string, texts: readonly string[], key: (text: string) => string = () => 'key') =>
  kinesis.send(
    new PutRecordsCommand({ StreamName, Records: texts.map((text) => ({ PartitionKey: key(text), Data: Buffer.from(text) })) }),
  )

const PRELUDE = `
const got = (value) => console.log('got ' + JSON.stringify(value))
const text = ({ kinesis }) => atob(kinesis.data)
`

type Mapping = Partial<CreateEventSourceMappingCommandInput>

/** A function that gets the stream's records; `body` is its handler's, and logs by `got(value)`. */
async function consumer(streamName: string, body: string, more: Mapping = {}): Promise<{ name: string; uuid: string }> {
  const name = `reader-${made++}`
  await create(managed.client, await nodeFunction(name, `${PRELUDE}export const handler = async (event) => {\n${body}\n}`))
  const { UUID: uuid = '' } = await managed.client.send(
    new CreateEventSourceMappingCommand({
      FunctionName: name,
      EventSourceArn: `${ARN}/${streamName}`,
      StartingPosition: 'TRIM_HORIZON',
      ...more,
    }),
  )
  return { name, uuid }
}

const got = async ({ name }: { readonly name: string }): Promise<readonly unknown[]> =>
  linesOf(await logOf(logs, name).catch(() => []))
    .flatMap((line) => /got (.*)/.exec(line)?.[1] ?? [])
    .map((json) => JSON.parse(json) as unknown)

async function failures(): Promise<{ readonly arn: string; next(): Promise<Record<string, unknown>> }> {
  const QueueName = `given-up-${made++}`
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }))
  return {
    arn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}`,
    async next() {
      let body: string | undefined
      await expect
        .poll(async () => {
          const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }))
          body = Messages[0]?.Body
          return body
        }, WAIT)
        .toBeDefined()
      return JSON.parse(body ?? '') as Record<string, unknown>
    },
  }
}

const texts = (count: number, prefix = '') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const EACH = 'for (const record of event.Records) got(text(record))'

describe('a function that reads a stream', () => {
  it('gets records in the form of Lambda, in batches, in their order', async () => {
    const name = await stream()
    await put(name, texts(7))
    const reader = await consumer(
      name,
      'got(event.Records.map(text))\nif (text(event.Records[0]) === "0") got(event.Records[0])',
      {
        BatchSize: 3,
      },
    )
    await expect.poll(() => got(reader), WAIT).toHaveLength(4)
    const [first, record, ...rest] = await got(reader)
    expect([first, ...rest]).toEqual([['0', '1', '2'], ['3', '4', '5'], ['6']])
    expect(record).toMatchObject({
      eventSource: 'aws:kinesis',
      eventName: 'aws:kinesis:record',
      eventSourceARN: `${ARN}/${name}`,
      eventID: expect.stringMatching(/^shardId-000000000000:\d+$/) as string,
      kinesis: { partitionKey: 'key', data: btoa('0'), kinesisSchemaVersion: '1.0' },
    })
    expect(await managed.client.send(new GetEventSourceMappingCommand({ UUID: reader.uuid }))).toMatchObject({
      State: 'Enabled',
      LastProcessingResult: 'OK',
    })
  })

  it('starts with the latest record, or at a time, where it is told to', async () => {
    const name = await stream()
    await put(name, ['before'])
    await new Promise((resolve) => setTimeout(resolve, 5))
    const StartingPositionTimestamp = new Date()
    await put(name, ['between'])
    const latest = await consumer(name, EACH, { StartingPosition: 'LATEST' })
    const timed = await consumer(name, EACH, { StartingPosition: 'AT_TIMESTAMP', StartingPositionTimestamp })
    await put(name, ['after'])
    await expect.poll(() => got(latest), WAIT).toEqual(['after'])
    await expect.poll(() => got(timed), WAIT).toEqual(['between', 'after'])
  })

  it('keeps the order of each key when several batches of a shard run at a time', async () => {
    const name = await stream()
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    const all = Array.from({ length: 120 }, (_, index) => `${keys[index % keys.length]}-${index}`)
    await put(name, all, (text) => text.slice(0, 1))
    const body = `await new Promise((resolve) => setTimeout(resolve, 20))\n${EACH}`
    const reader = await consumer(name, body, { ParallelizationFactor: 4, BatchSize: 5 })
    await expect.poll(async () => (await got(reader)).length, WAIT).toBe(all.length)
    const seen = (await got(reader)) as string[]
    for (const key of keys)
      expect(seen.filter((text) => text.startsWith(key))).toEqual(all.filter((text) => text.startsWith(key)))
    // And they did run at a time.
    expect(seen).not.toEqual(all)
  })

  it('gathers records for a while', async () => {
    const name = await stream()
    const reader = await consumer(name, 'got(event.Records.length)', { MaximumBatchingWindowInSeconds: 1 })
    for (const text of ['a', 'b', 'c']) await put(name, [text])
    await expect.poll(() => got(reader), WAIT).toEqual([3])
  })

  it('gets what a filter wants', async () => {
    const name = await stream()
    const Filters = [{ Pattern: '{"data":{"kind":["order"]},"partitionKey":["key"]}' }]
    const reader = await consumer(name, EACH, { FilterCriteria: { Filters } })
    await put(name, ['{"kind":"order","n":1}', '{"kind":"other"}', 'no JSON', '{"kind":"order","n":2}'])
    await expect.poll(() => got(reader), WAIT).toEqual(['{"kind":"order","n":1}', '{"kind":"order","n":2}'])
  })

  it('does not wait for those that no filter wants', async () => {
    const name = await stream()
    // At a look a second this would take a quarter of an hour.
    for (let part = 0; part < 20; part++) await put(name, texts(400, 'unwanted-'))
    await put(name, ['{"kind":"order"}'])
    const Filters = [{ Pattern: '{"data":{"kind":["order"]}}' }]
    const reader = await consumer(name, EACH, { BatchSize: 10, FilterCriteria: { Filters } })
    await expect.poll(() => got(reader), WAIT).toEqual(['{"kind":"order"}'])
  })

  it('gets records of new shards after those of the shards that they came of', async () => {
    const name = await stream()
    await put(name, texts(20, 'old-'))
    await kinesis.send(
      new SplitShardCommand({ StreamName: name, ShardToSplit: 'shardId-000000000000', NewStartingHashKey: HALF }),
    )
    await put(name, texts(20, 'split-'), (text) => text)
    await kinesis.send(
      new MergeShardsCommand({
        StreamName: name,
        ShardToMerge: 'shardId-000000000001',
        AdjacentShardToMerge: 'shardId-000000000002',
      }),
    )
    await put(name, texts(5, 'merged-'))
    const reader = await consumer(name, EACH, { BatchSize: 7 })
    await expect.poll(async () => (await got(reader)).length, WAIT).toBe(45)
    const seen = (await got(reader)) as string[]
    expect(seen.slice(0, 20)).toEqual(texts(20, 'old-'))
    expect(new Set(seen.slice(20, 40))).toEqual(new Set(texts(20, 'split-')))
    expect(seen.slice(40)).toEqual(texts(5, 'merged-'))
  })

  it('is not given more while it is paused, and then all that has come', async () => {
    const name = await stream()
    const reader = await consumer(name, EACH)
    await put(name, ['first'])
    await expect.poll(() => got(reader), WAIT).toEqual(['first'])
    await managed.client.send(new UpdateEventSourceMappingCommand({ UUID: reader.uuid, Enabled: false }))
    await put(name, ['second'])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await got(reader)).toEqual(['first'])
    await managed.client.send(new UpdateEventSourceMappingCommand({ UUID: reader.uuid, Enabled: true }))
    await expect.poll(() => got(reader), WAIT).toEqual(['first', 'second'])
    await managed.client.send(new DeleteEventSourceMappingCommand({ UUID: reader.uuid }))
  })

  it('says so when its stream is gone', async () => {
    const name = await stream()
    const { uuid } = await consumer(name, EACH)
    await kinesis.send(new DeleteStreamCommand({ StreamName: name }))
    await expect
      .poll(async () => (await managed.client.send(new GetEventSourceMappingCommand({ UUID: uuid }))).LastProcessingResult, WAIT)
      .toContain(`PROBLEM: there is no stream ${name}`)
  })
})

describe('a batch that fails', () => {
  const FAIL_BAD = `got(event.Records.map(text))\nif (event.Records.some((record) => text(record) === 'bad')) throw new Error('bad')`

  it('holds back what comes behind it, is tried again, and is given up with its position', async () => {
    const name = await stream()
    const given = await failures()
    await put(name, ['bad', 'behind'])
    const reader = await consumer(name, FAIL_BAD, {
      BatchSize: 1,
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: given.arn } },
    })
    const record = await given.next()
    expect(record).toMatchObject({
      requestContext: {
        functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${reader.name}`,
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 3,
      },
      responseContext: { statusCode: 200, functionError: 'Unhandled' },
      KinesisBatchInfo: {
        shardId: 'shardId-000000000000',
        startSequenceNumber: expect.stringMatching(/^\d+$/) as string,
        batchSize: 1,
        streamArn: `${ARN}/${name}`,
      },
    })
    await expect.poll(() => got(reader), WAIT).toEqual([['bad'], ['bad'], ['bad'], ['behind']])
  })

  it('says how far it is behind', async () => {
    const name = await stream()
    const { uuid } = await consumer(name, `throw new Error('never')`)
    const age = async () => {
      const answer = await fetch(`${managed.host.managementUrl}/_ampoule/triggers`)
      const { triggers } = (await answer.json()) as TriggerAges
      return triggers.find((trigger) => trigger.uuid === uuid)?.iteratorAgeMs
    }
    expect(await age()).toBe(0)
    await put(name, ['stuck'])
    await expect.poll(age, WAIT).toBeGreaterThan(500)
  })

  it('is split until the record that fails is alone', async () => {
    const name = await stream()
    const given = await failures()
    await put(name, ['a', 'b', 'bad', 'c', 'd'])
    const reader = await consumer(name, FAIL_BAD, {
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: given.arn } },
    })
    expect(await given.next()).toMatchObject({ KinesisBatchInfo: { batchSize: 1 } })
    await expect.poll(async () => (await got(reader)).at(-1), WAIT).toContain('d')
    const done = ((await got(reader)) as string[][]).filter((batch) => !batch.includes('bad')).flat()
    expect(done).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is done up to the record that the function names', async () => {
    const name = await stream()
    await put(name, ['a', 'bad', 'c'])
    const body = `got(event.Records.map(text))
const bad = event.Records.find((record) => text(record) === 'bad')
return { batchItemFailures: bad === undefined ? [] : [{ itemIdentifier: bad.kinesis.sequenceNumber }] }`
    const reader = await consumer(name, body, { FunctionResponseTypes: ['ReportBatchItemFailures'], MaximumRetryAttempts: 1 })
    await put(name, ['d'])
    await expect.poll(async () => (await got(reader)).at(-1), WAIT).toContain('d')
    const seen = (await got(reader)) as string[][]
    expect(seen[0]?.[0]).toBe('a')
    // Once more from the bad one on, then all of that is given up: it cannot be told apart.
    expect(seen[1]?.[0]).toBe('bad')
    expect(seen.flat().filter((text) => text === 'a')).toHaveLength(1)
    expect(seen.flat().filter((text) => text === 'bad')).toHaveLength(2)
  })
})

/** Adds up what it gets; says each batch, and what came of a window. */
const SUM = `
const { sum = 0, keys = [] } = event.state
const state = { sum: sum + event.Records.length, keys: [...new Set([...keys, ...event.Records.map((record) => record.kinesis.partitionKey)])] }
const { start, end } = event.window
got({ count: event.Records.length, state: event.state, final: event.isFinalInvokeForWindow, early: event.isWindowTerminatedEarly,
  inside: event.Records.every(({ kinesis }) => kinesis.approximateArrivalTimestamp * 1000 >= Date.parse(start) && kinesis.approximateArrivalTimestamp * 1000 < Date.parse(end)),
  start, seconds: (Date.parse(end) - Date.parse(start)) / 1000, shard: event.shardId })
return { state }`

interface Batch {
  readonly count: number
  readonly state: { readonly sum?: number; readonly keys?: readonly string[] }
  readonly final: boolean
  readonly early: boolean
  readonly inside: boolean
  readonly start: string
  readonly seconds: number
}

describe('a tumbling window', () => {
  const batches = async (reader: { readonly name: string }) => (await got(reader)) as Batch[]
  const finals = async (reader: { readonly name: string }) => (await batches(reader)).filter(({ final }) => final)
  const summed = async (reader: { readonly name: string }) =>
    (await finals(reader)).reduce((sum, { state }) => sum + (state.sum ?? 0), 0)

  it('carries the state of a shard from batch to batch, and ends once with what came of it', async () => {
    const name = await stream()
    const reader = await consumer(name, SUM, { TumblingWindowInSeconds: 1, BatchSize: 3 })
    for (let part = 0; part < 5; part++) {
      await put(name, texts(7, `${part}-`))
      await pause(400)
    }
    await expect.poll(() => summed(reader), WAIT).toBe(35)
    const all = await batches(reader)
    expect(all.every(({ inside, seconds, early }) => inside && seconds === 1 && !early)).toBe(true)
    const ended = await finals(reader)
    expect(ended.every(({ count }) => count === 0)).toBe(true)
    expect(new Set(ended.map(({ start }) => start)).size).toBe(ended.length)
    expect(ended.length).toBeGreaterThan(1)
    // Each window begins with nothing.
    for (const { start } of ended) expect(all.find((batch) => batch.start === start)?.state).toEqual({})
  })

  it('has a state of its own for the keys of each line', async () => {
    const name = await stream()
    const reader = await consumer(name, SUM, { TumblingWindowInSeconds: 1, ParallelizationFactor: 4 })
    await put(name, texts(40), (text) => `key-${text}`)
    await expect.poll(() => summed(reader), WAIT).toBe(40)
    const keys = (await finals(reader)).flatMap(({ state }) => state.keys ?? [])
    expect(new Set(keys).size).toBe(40)
  })

  it('is not counted twice where a batch fails, or the host ends within it', async () => {
    const name = await stream()
    const once = `if (Math.random() < 0.3) throw new Error('by chance')\n${SUM}`
    const reader = await consumer(name, once, { TumblingWindowInSeconds: 3, BatchSize: 5, ParallelizationFactor: 2 })
    await put(name, texts(30), (text) => `key-${text}`)
    await expect.poll(async () => (await batches(reader)).length, WAIT).toBeGreaterThan(2)
    await restart()
    await put(name, texts(10), (text) => `late-${text}`)
    await expect.poll(() => summed(reader), WAIT).toBe(40)
  })

  it('ends early when its state is too large, or its shard is over', async () => {
    const name = await stream()
    const large = `got({ final: event.isFinalInvokeForWindow, early: event.isWindowTerminatedEarly })
return { state: { text: 'x'.repeat(event.isFinalInvokeForWindow ? 0 : 1100000) } }`
    const reader = await consumer(name, large, { TumblingWindowInSeconds: 900 })
    await put(name, ['a'])
    await expect.poll(() => finals(reader), WAIT).toEqual([{ final: true, early: true }])
    const other = await stream()
    const summing = await consumer(other, SUM, { TumblingWindowInSeconds: 900 })
    await put(other, texts(5))
    await expect.poll(async () => (await batches(summing)).length, WAIT).toBe(1)
    await kinesis.send(
      new SplitShardCommand({ StreamName: other, ShardToSplit: 'shardId-000000000000', NewStartingHashKey: HALF }),
    )
    await expect.poll(() => finals(summing), WAIT).toMatchObject([{ early: true, state: { sum: 5 } }])
  })

  it('is there for modules, too', async () => {
    const name = await stream()
    const source = `export default {
  stream(batch) {
    if (batch.window.final) return console.log('got ' + JSON.stringify(batch.state))
    batch.state = { texts: [...(batch.state.texts ?? []), ...batch.records.map((record) => record.text())] }
  },
}`
    const FunctionName = `module-${made++}`
    await create(managed.client, await nodeFunction(FunctionName, source, { Handler: 'index.default' }))
    const EventSourceArn = `${ARN}/${name}`
    const more = { StartingPosition: 'TRIM_HORIZON', TumblingWindowInSeconds: 2, BatchSize: 1 } as const
    await managed.client.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn, ...more }))
    await put(name, ['a', 'b', 'c'])
    await expect
      .poll(async () => ((await got({ name: FunctionName })) as { texts: string[] }[]).flatMap((state) => state.texts), WAIT)
      .toEqual(['a', 'b', 'c'])
  })
})

describe('a host that ends', () => {
  it('goes on behind what was done', async () => {
    const name = await stream()
    const reader = await consumer(name, EACH)
    await put(name, texts(5, 'before-'))
    await expect.poll(async () => (await got(reader)).length, WAIT).toBe(5)
    await restart()
    await put(name, texts(5, 'after-'))
    await expect.poll(() => got(reader), WAIT).toEqual([...texts(5, 'before-'), ...texts(5, 'after-')])
  })
})
