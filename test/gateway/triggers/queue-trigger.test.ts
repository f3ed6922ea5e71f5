import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetEventSourceMappingCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type Message,
  type SendMessageCommandInput,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logOf, logsClient, messages as linesOf } from '../logs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from '../management/host.ts'
import { sqsClient } from '../sqs/client.ts'

let managed: ManagedHost
let sqs: SQSClient
let logs: ReturnType<typeof logsClient>
beforeAll(async () => {
  managed = await startManaged()
  sqs = sqsClient(managed)
  logs = logsClient(managed.host.managementUrl ?? '')
})
afterAll(async () => {
  sqs.destroy()
  logs.destroy()
  await managed.stop()
  await removeFolders()
})

const EMPTY = { visible: '0', inFlight: '0' }
const WAIT = { timeout: 20_000, interval: 50 }

interface Queue {
  readonly url: string
  readonly arn: string
}

const byNumber = (a: unknown, b: unknown): number => Number(a) - Number(b)

let made = 0

async function queue(Attributes: Record<string, string> = {}, ending = ''): Promise<Queue> {
  const QueueName = `trigger-${made++}${ending}`
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
  return { url, arn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}` }
}

const send = ({ url }: Queue, MessageBody: string, more: Partial<SendMessageCommandInput> = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody, ...more }))

const sendAll = ({ url }: Queue, bodies: readonly string[]) =>
  sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: url,
      Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  )

/** A function that the queue's messages go to. `body` logs by `got(value)`. */
async function consumer(
  { arn }: Queue,
  body: string,
  more: Partial<CreateEventSourceMappingCommandInput> = {},
): Promise<{ readonly name: string; readonly uuid: string }> {
  const name = `consumer-${made++}`
  const source = `const got = (value) => console.log('got ' + JSON.stringify(value))\nexport const handler = async (event) => {\n${body}\n}`
  await create(managed.client, await nodeFunction(name, source))
  const { UUID: uuid = '' } = await managed.client.send(
    new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn: arn, ...more }),
  )
  return { name, uuid }
}

async function got(name: string, client = logs): Promise<readonly unknown[]> {
  const lines = await logOf(client, name).then(linesOf, () => [])
  return lines.flatMap((line) => {
    const [, json] = /got (.*)/.exec(line) ?? []
    return json === undefined ? [] : [JSON.parse(json) as unknown]
  })
}

async function counts(
  { url }: Queue,
  client = sqs,
): Promise<{ readonly visible: string | undefined; readonly inFlight: string | undefined }> {
  const { Attributes = {} } = await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }))
  return {
    visible: Attributes['ApproximateNumberOfMessages'],
    inFlight: Attributes['ApproximateNumberOfMessagesNotVisible'],
  }
}

/** A queue that gives up after `maxReceiveCount`, and where its messages go then. */
async function withDeadLetters(maxReceiveCount: number, more: Record<string, string> = {}): Promise<readonly [Queue, Queue]> {
  const dead = await queue()
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount })
  return [await queue({ VisibilityTimeout: '3', RedrivePolicy, ...more }), dead]
}

async function receive({ url }: Queue): Promise<readonly Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 15 }),
  )
  return Messages
}

describe('a queue’s messages', () => {
  it('are given to the function in Lambda’s form, and are gone when it has ended', async () => {
    const source = await queue()
    const { name } = await consumer(source, 'for (const record of event.Records) got(record)')
    const { MessageId } = await send(source, 'hello', { MessageAttributes: { kind: { DataType: 'String', StringValue: 'a' } } })
    await expect.poll(() => got(name), WAIT).toHaveLength(1)
    expect(await got(name)).toMatchObject([
      {
        messageId: MessageId,
        body: 'hello',
        md5OfBody: '5d41402abc4b2a76b9719d911017c592',
        eventSource: 'aws:sqs',
        eventSourceARN: source.arn,
        awsRegion: 'us-east-1',
        attributes: { ApproximateReceiveCount: '1' },
        messageAttributes: { kind: { stringValue: 'a', dataType: 'String' } },
      },
    ])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
  })

  it('that were sent before there was a function are given to it, in batches of the size that was asked for', async () => {
    const source = await queue()
    await sendAll(source, ['1', '2', '3', '4', '5'])
    const { name } = await consumer(source, 'got(event.Records.length)', { BatchSize: 2 })
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
    await expect.poll(async () => (await got(name)).toSorted(byNumber), WAIT).toEqual([1, 2, 2])
  })

  it('are gathered for the batching window', async () => {
    const source = await queue()
    const { name } = await consumer(source, 'got(event.Records.map(({ body }) => body))', {
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 2,
    })
    await send(source, 'a')
    await send(source, 'b')
    await expect.poll(() => got(name), WAIT).toEqual([['a', 'b']])
  })

  it('come again after their visibility timeout when the function fails, and become dead letters', async () => {
    const [source, dead] = await withDeadLetters(2)
    const { name } = await consumer(source, "got(event.Records[0].attributes.ApproximateReceiveCount)\nthrow new Error('no')")
    await send(source, 'poison')
    expect(await receive(dead)).toMatchObject([{ Body: 'poison' }])
    await expect.poll(() => got(name), WAIT).toEqual(['1', '2'])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
  })

  it('come again one by one where the function names those that failed', async () => {
    const [source, dead] = await withDeadLetters(1)
    await sendAll(source, ['good', 'bad', 'better'])
    await consumer(
      source,
      "return { batchItemFailures: event.Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({ itemIdentifier: messageId })) }",
      { FunctionResponseTypes: ['ReportBatchItemFailures'] },
    )
    expect(await receive(dead)).toMatchObject([{ Body: 'bad' }])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
  })

  it('come all again when it names one that is not in the batch', async () => {
    const [source, dead] = await withDeadLetters(1)
    await sendAll(source, ['a'])
    await consumer(source, "return { batchItemFailures: [{ itemIdentifier: 'other' }] }", {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect(await receive(dead)).toMatchObject([{ Body: 'a' }])
  })

  it('are done where it names some and was not asked to', async () => {
    const [source, dead] = await withDeadLetters(1)
    await sendAll(source, ['a'])
    const { name } = await consumer(
      source,
      "got('a')\nreturn { batchItemFailures: [{ itemIdentifier: event.Records[0].messageId }] }",
    )
    await expect.poll(() => got(name), WAIT).toEqual(['a'])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
    expect(await counts(dead)).toEqual(EMPTY)
  })

  it('are given only where a filter wants them; the others are gone', async () => {
    const source = await queue()
    await sendAll(source, ['{"kind":"a","n":1}', '{"kind":"b","n":2}', '{"kind":"a","n":30}', 'a'])
    const { name } = await consumer(source, 'for (const { body } of event.Records) got(JSON.parse(body).n)', {
      FilterCriteria: { Filters: [{ Pattern: '{"body":{"kind":["a"],"n":[{"numeric":["<",10]}]}}' }] },
    })
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
    await expect.poll(() => got(name), WAIT).toEqual([1])
  })

  it('wait, and are not tried, while the function may not run', async () => {
    const [source, dead] = await withDeadLetters(1, { VisibilityTimeout: '30' })
    const { name } = await consumer(source, 'got(event.Records[0].attributes.ApproximateReceiveCount)')
    await managed.client.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: 0 }))
    await send(source, 'a')
    await expect.poll(() => counts(source), WAIT).toEqual({ visible: '0', inFlight: '1' })
    await managed.client.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: 1 }))
    await expect.poll(() => got(name), WAIT).toEqual(['1'])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
    expect(await counts(dead)).toEqual(EMPTY)
  })

  it('of a FIFO queue’s group are processed in order, also after a failure', async () => {
    const source = await queue({ FifoQueue: 'true', ContentBasedDeduplication: 'true', VisibilityTimeout: '3' }, '.fifo')
    for (const body of ['1', '2', '3', '4']) await send(source, body, { MessageGroupId: 'g' })
    const { name } = await consumer(
      source,
      `const [first] = event.Records
if (first.body === '2' && first.attributes.ApproximateReceiveCount === '1') throw new Error('no')
got(first.body)`,
      { BatchSize: 1 },
    )
    await expect.poll(() => got(name), WAIT).toEqual(['1', '2', '3', '4'])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
  })

  it('are given to a queue function, which sends single ones back with a delay', async () => {
    const source = await queue({ VisibilityTimeout: '30' })
    const name = `consumer-${made++}`
    await create(
      managed.client,
      await nodeFunction(
        name,
        `export default { queue(batch) { for (const message of batch.messages) {
          console.log('got ' + JSON.stringify([message.text(), message.attempts]))
          if (message.text() === 'later' && message.attempts === 1) message.retry({ delaySeconds: 1 })
        } } }`,
        { Handler: 'index.default' },
      ),
    )
    await sendAll(source, ['now', 'later'])
    await managed.client.send(new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn: source.arn }))
    await expect
      .poll(() => got(name), WAIT)
      .toEqual([
        ['now', 1],
        ['later', 1],
        ['later', 2],
      ])
    await expect.poll(() => counts(source), WAIT).toEqual(EMPTY)
  })
})

describe('a mapping', () => {
  it('stops giving messages when it is disabled, and goes on when it is enabled', async () => {
    const source = await queue()
    const { name, uuid } = await consumer(source, 'got(event.Records[0].body)', { Enabled: false })
    await send(source, 'a')
    expect(await managed.client.send(new GetEventSourceMappingCommand({ UUID: uuid }))).toMatchObject({ State: 'Disabled' })
    expect(await counts(source)).toEqual({ visible: '1', inFlight: '0' })
    await managed.client.send(new UpdateEventSourceMappingCommand({ UUID: uuid, Enabled: true }))
    expect(await managed.client.send(new GetEventSourceMappingCommand({ UUID: uuid }))).toMatchObject({ State: 'Enabled' })
    await expect.poll(() => got(name), WAIT).toEqual(['a'])
  })

  it.each([
    ['that is deleted', (uuid: string) => managed.client.send(new DeleteEventSourceMappingCommand({ UUID: uuid }))],
    [
      'whose function is deleted',
      (_: string, name: string) => managed.client.send(new DeleteFunctionCommand({ FunctionName: name })),
    ],
  ])('%s leaves the messages in the queue', async (_, end) => {
    const source = await queue()
    const { name, uuid } = await consumer(source, '')
    await end(uuid, name)
    await send(source, 'a')
    expect(await receive(source)).toMatchObject([{ Body: 'a' }])
  })

  it.each<[string, (source: Queue) => Partial<CreateEventSourceMappingCommandInput>, RegExp]>([
    ['a queue that does not exist', () => ({ EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:none' }), /NonExistentQueue/],
    [
      'a filter with a mistake',
      () => ({ FilterCriteria: { Filters: [{ Pattern: '{"body":{"a":[{"like":"x"}]}}' }] } }),
      /Invalid filter pattern definition: in filter 0, body\.a\[0\]\.like is no operator/,
    ],
  ])('of %s is refused', async (_, more, message) => {
    const source = await queue()
    await expect(consumer(source, '', more(source))).rejects.toThrow(message)
  })

  it('of a queue whose visibility timeout is below the function’s timeout is refused', async () => {
    const source = await queue({ VisibilityTimeout: '2' })
    await expect(consumer(source, '')).rejects.toThrow(
      'Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds',
    )
  })
})

describe('a host that ends', () => {
  it('gives back the messages that wait for the function, and the next host gives them to it', async () => {
    const first = await startManaged()
    const client = sqsClient(first)
    const { QueueUrl = '' } = await client.send(
      new CreateQueueCommand({ QueueName: 'lasting', Attributes: { VisibilityTimeout: '600' } }),
    )
    const source = { url: QueueUrl, arn: 'arn:aws:sqs:us-east-1:000000000000:lasting' }
    await create(first.client, await nodeFunction('last', "export const handler = async () => { console.log('got 1') }"))
    await first.client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'last', ReservedConcurrentExecutions: 0 }))
    await first.client.send(new CreateEventSourceMappingCommand({ FunctionName: 'last', EventSourceArn: source.arn }))
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }))
    await expect.poll(() => counts(source, client), WAIT).toEqual({ visible: '0', inFlight: '1' })
    client.destroy()
    await first.stop()

    const second = await startManaged({ dataDir: first.folder })
    const again = sqsClient(second)
    const url = QueueUrl.replace(first.host.managementUrl ?? '', second.host.managementUrl ?? '')
    await second.client.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'last' }))
    await expect.poll(() => counts({ ...source, url }, again), WAIT).toEqual(EMPTY)
    const own = logsClient(second.host.managementUrl ?? '')
    await expect.poll(() => got('last', own), WAIT).toEqual([1])
    own.destroy()
    again.destroy()
    await second.stop()
  })
})
