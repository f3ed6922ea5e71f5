import { createHash } from 'node:crypto'
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
  type Message,
  type ReceiveMessageCommandInput,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { removeFolders, startManaged, type ManagedHost } from '../management/host.ts'
import { sqsClient } from './client.ts'

let managed: ManagedHost
let client: SQSClient
beforeAll(async () => {
  managed = await startManaged()
  client = sqsClient(managed)
})
afterAll(async () => {
  client.destroy()
  await managed.stop()
  await removeFolders()
})

let queues = 0

async function queue(Attributes: Record<string, string> = {}, ending = ''): Promise<string> {
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: `queue-${queues++}${ending}`, Attributes }))
  return QueueUrl
}

const send = (QueueUrl: string, MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody }))

async function receive(QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}): Promise<readonly Message[]> {
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))
  return Messages
}

async function attributes(QueueUrl: string): Promise<Record<string, string>> {
  const { Attributes = {} } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
  return Attributes
}

const arnOf = async (url: string): Promise<string> => (await attributes(url))['QueueArn'] ?? ''

const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body)

const refusal = (answer: Promise<unknown>) =>
  answer.then(
    () => 'it was not refused',
    (error: unknown) => error as Error,
  )

describe('queues', () => {
  it('are created once, found by name, listed in pages by prefix, and deleted', async () => {
    const create = (QueueName: string) => client.send(new CreateQueueCommand({ QueueName }))
    const { QueueUrl: first } = await create('listed-a')
    await create('listed-b')
    await create('listed-c')
    expect((await create('listed-a')).QueueUrl).toBe(first)
    expect(first).toBe(`${managed.host.managementUrl}/000000000000/listed-a`)
    expect((await client.send(new GetQueueUrlCommand({ QueueName: 'listed-a' }))).QueueUrl).toBe(first)
    const page = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'listed-', MaxResults: 2 }))
    expect(page.QueueUrls?.map((url) => url.split('/').at(-1))).toEqual(['listed-a', 'listed-b'])
    const rest = await client.send(
      new ListQueuesCommand({ QueueNamePrefix: 'listed-', MaxResults: 2, NextToken: page.NextToken }),
    )
    expect(rest.QueueUrls?.map((url) => url.split('/').at(-1))).toEqual(['listed-c'])
    expect(rest.NextToken).toBeUndefined()
    await client.send(new DeleteQueueCommand({ QueueUrl: first }))
    expect(await refusal(client.send(new GetQueueUrlCommand({ QueueName: 'listed-a' })))).toMatchObject({
      name: 'QueueDoesNotExist',
      message: 'The specified queue does not exist.',
    })
  })

  it('have the attributes that were given, and those of AWS otherwise', async () => {
    const url = await queue({ VisibilityTimeout: '5', ReceiveMessageWaitTimeSeconds: '0' })
    expect(await attributes(url)).toMatchObject({
      VisibilityTimeout: '5',
      DelaySeconds: '0',
      MessageRetentionPeriod: '345600',
      MaximumMessageSize: '1048576',
      ApproximateNumberOfMessages: '0',
    })
    await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '900' } }))
    expect(await attributes(url)).toMatchObject({ VisibilityTimeout: '5', DelaySeconds: '900' })
  })

  it('refuse a second creation with other attributes', async () => {
    const command = (VisibilityTimeout: string) =>
      new CreateQueueCommand({ QueueName: 'twice', Attributes: { VisibilityTimeout } })
    await client.send(command('5'))
    await client.send(command('5'))
    expect(await refusal(client.send(command('6')))).toMatchObject({
      name: 'QueueNameExists',
      message: 'A queue already exists with the same name and a different value for attribute VisibilityTimeout',
    })
  })

  it('have tags', async () => {
    const QueueUrl = await queue()
    await client.send(new TagQueueCommand({ QueueUrl, Tags: { a: '1', b: '2' } }))
    await client.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['a'] }))
    expect((await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ b: '2' })
  })

  it.each<[string, { QueueName: string; Attributes?: object }, string, RegExp]>([
    ['a name with a space', { QueueName: 'a b' }, 'InvalidParameterValue', /a b/],
    ['a name of 81 characters', { QueueName: 'a'.repeat(81) }, 'InvalidParameterValue', /80 characters/],
    ['a FIFO queue by its name alone', { QueueName: 'a.fifo' }, 'InvalidAttributeValue', /FifoQueue/],
    [
      'an attribute that there is not',
      { QueueName: 'a', Attributes: { Colour: '1' } },
      'InvalidAttributeName',
      /Unknown Attribute Colour/,
    ],
    [
      'an attribute without effect',
      { QueueName: 'a', Attributes: { Policy: '{}' } },
      'InvalidAttributeName',
      /Policy is not supported/,
    ],
    [
      'a number out of range',
      { QueueName: 'a', Attributes: { VisibilityTimeout: '43201' } },
      'InvalidAttributeValue',
      /43201 is no whole number from 0 to 43200/,
    ],
    [
      'a dead-letter queue that does not exist',
      {
        QueueName: 'a',
        Attributes: {
          RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none","maxReceiveCount":3}',
        },
      },
      'InvalidAttributeValue',
      /:none does not exist/,
    ],
  ])('refuse %s', async (_, input, name, message) => {
    const refused = await refusal(client.send(new CreateQueueCommand(input)))
    expect(refused).toMatchObject({ name, message: expect.stringMatching(message) as string, $metadata: { httpStatusCode: 400 } })
  })
})

describe('messages', () => {
  it('are received with their attributes and digests, and gone when they are deleted', async () => {
    const QueueUrl = await queue()
    const MessageAttributes = {
      kind: { DataType: 'String', StringValue: 'order' },
      size: { DataType: 'Number.int', StringValue: '12' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) },
    }
    const sent = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'Grüße', MessageAttributes }))
    // The SDK compares the body's digest by itself.
    expect(sent.MD5OfMessageBody).toBe(createHash('md5').update('Grüße').digest('hex'))
    const [message] = await receive(QueueUrl, { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] })
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'Grüße',
      MessageAttributes,
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: { ApproximateReceiveCount: '1', SenderId: '000000000000' },
    })
    expect(await receive(QueueUrl)).toEqual([])
    expect(await attributes(QueueUrl)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '1' })
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }))
    expect(await attributes(QueueUrl)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '0' })
  })

  it('have the digest of attributes that AWS documents', async () => {
    const { MD5OfMessageAttributes } = await client.send(
      new SendMessageCommand({
        QueueUrl: await queue(),
        MessageBody: 'a',
        MessageAttributes: { b: { DataType: 'String', StringValue: 'c' } },
      }),
    )
    const length = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)])
    const expected = Buffer.concat([length('b'), length('String'), Buffer.from([1]), length('c')])
    expect(MD5OfMessageAttributes).toBe(createHash('md5').update(expected).digest('hex'))
  })

  it('are given only the attributes that the receiver names', async () => {
    const QueueUrl = await queue()
    const of = (StringValue: string) => ({ DataType: 'String', StringValue })
    await client.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'a', MessageAttributes: { 'x.a': of('1'), 'x.b': of('2'), y: of('3') } }),
    )
    const [message] = await receive(QueueUrl, { MessageAttributeNames: ['x.*'], MessageSystemAttributeNames: ['SentTimestamp'] })
    expect(Object.keys(message?.MessageAttributes ?? {})).toEqual(['x.a', 'x.b'])
    expect(Object.keys(message?.Attributes ?? {})).toEqual(['SentTimestamp'])
  })

  it('come to a receiver that waits as soon as they are sent', async () => {
    const QueueUrl = await queue()
    const waiting = receive(QueueUrl, { WaitTimeSeconds: 20 })
    await send(QueueUrl, 'late')
    expect(bodies(await waiting)).toEqual(['late'])
  })

  it('come to a receiver that waits when a delay or a visibility timeout has passed', async () => {
    const QueueUrl = await queue({ VisibilityTimeout: '1' })
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'delayed', DelaySeconds: 1 }))
    expect(await receive(QueueUrl)).toEqual([])
    expect(bodies(await receive(QueueUrl, { WaitTimeSeconds: 20 }))).toEqual(['delayed'])
    const [again] = await receive(QueueUrl, { WaitTimeSeconds: 20, MessageSystemAttributeNames: ['ApproximateReceiveCount'] })
    expect(again?.Attributes).toEqual({ ApproximateReceiveCount: '2' })
  })

  it('are there for others at once when their visibility timeout is set to none', async () => {
    const QueueUrl = await queue()
    await send(QueueUrl, 'a')
    const [first] = await receive(QueueUrl)
    const { ReceiptHandle } = first ?? {}
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }))
    expect(bodies(await receive(QueueUrl))).toEqual(['a'])
    expect(
      await refusal(client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }))),
    ).toMatchObject({ name: 'MessageNotInflight' })
  })

  it('go in batches, of which what is wrong fails by itself', async () => {
    const QueueUrl = await queue()
    const { Successful, Failed } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'a' },
          { Id: 'bad', MessageBody: '\u0001' },
        ],
      }),
    )
    expect(Successful?.map(({ Id }) => Id)).toEqual(['good'])
    expect(Failed).toMatchObject([{ Id: 'bad', SenderFault: true, Code: 'InvalidMessageContents' }])
    const [message] = await receive(QueueUrl)
    const { ReceiptHandle } = message ?? {}
    const changed = await client.send(
      new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: [{ Id: 'a', ReceiptHandle, VisibilityTimeout: 60 }] }),
    )
    expect(changed.Successful).toEqual([{ Id: 'a' }])
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', ReceiptHandle },
          { Id: 'b', ReceiptHandle: 'none' },
        ],
      }),
    )
    expect(deleted.Successful).toEqual([{ Id: 'a' }])
    expect(deleted.Failed).toMatchObject([{ Id: 'b', Code: 'ReceiptHandleIsInvalid' }])
  })

  it('are all gone after a purge', async () => {
    const QueueUrl = await queue()
    await send(QueueUrl, 'a')
    await send(QueueUrl, 'b')
    await receive(QueueUrl, { MaxNumberOfMessages: 1 })
    await client.send(new PurgeQueueCommand({ QueueUrl }))
    expect(await attributes(QueueUrl)).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    })
  })

  it.each([
    ['a body with a control character', { MessageBody: 'a\u0000' }, 'InvalidMessageContents', /U\+0000 at 1/],
    ['a body over the limit', { MessageBody: 'a'.repeat(1_048_577) }, 'InvalidParameterValue', /1048576/],
    ['a delay over the limit', { MessageBody: 'a', DelaySeconds: 901 }, 'InvalidParameterValue', /901/],
    ['a deduplication id', { MessageBody: 'a', MessageDeduplicationId: 'a' }, 'InvalidParameterValue', /FIFO queues only/],
    [
      'an attribute without a type',
      { MessageBody: 'a', MessageAttributes: { a: { StringValue: 'a', DataType: 'Text' } } },
      'InvalidParameterValue',
      /data type String, Number or Binary/,
    ],
  ])('refuse %s', async (_, input, name, message) => {
    const QueueUrl = await queue()
    expect(await refusal(client.send(new SendMessageCommand({ QueueUrl, ...input })))).toMatchObject({
      name,
      message: expect.stringMatching(message) as string,
    })
    expect(await attributes(QueueUrl)).toMatchObject({ ApproximateNumberOfMessages: '0' })
  })
})

describe('dead-letter queues', () => {
  it('get what was received too often, and give it back', async () => {
    const dead = await queue()
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: await arnOf(dead), maxReceiveCount: 1 })
    const source = await queue({ RedrivePolicy })
    await send(source, 'poison')
    expect(bodies(await receive(source, { VisibilityTimeout: 0 }))).toEqual(['poison'])
    expect(await receive(source)).toEqual([])
    const [message] = await receive(dead, { VisibilityTimeout: 0, MessageSystemAttributeNames: ['All'] })
    expect(message?.Attributes).toMatchObject({ DeadLetterQueueSourceArn: await arnOf(source) })
    expect((await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }))).queueUrls).toEqual([source])
    const SourceArn = await arnOf(dead)
    await client.send(new StartMessageMoveTaskCommand({ SourceArn }))
    await vi.waitFor(async () => {
      const { Results } = await client.send(new ListMessageMoveTasksCommand({ SourceArn }))
      expect(Results).toMatchObject([{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 }])
    }, 5000)
    expect(bodies(await receive(source))).toEqual(['poison'])
  })

  it('are not found where a queue is none', async () => {
    const SourceArn = await arnOf(await queue())
    expect(await refusal(client.send(new StartMessageMoveTaskCommand({ SourceArn })))).toMatchObject({
      name: 'UnsupportedOperation',
    })
  })
})

describe('FIFO queues', () => {
  const FIFO = { FifoQueue: 'true', ContentBasedDeduplication: 'true' }
  const put = (QueueUrl: string, MessageBody: string, MessageGroupId?: string) =>
    client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...(MessageGroupId !== undefined && { MessageGroupId }) }))

  it('keep the order of a group, and give none of it while one is with a receiver', async () => {
    const url = await queue(FIFO, '.fifo')
    await put(url, 'a1', 'a')
    await put(url, 'a2', 'a')
    await put(url, 'b1', 'b')
    const first = await receive(url, { MaxNumberOfMessages: 1 })
    expect(bodies(first)).toEqual(['a1'])
    expect(bodies(await receive(url))).toEqual(['b1'])
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first[0]?.ReceiptHandle }))
    expect(bodies(await receive(url))).toEqual(['a2'])
  })

  it('take a message once', async () => {
    const url = await queue(FIFO, '.fifo')
    const first = await put(url, 'same', 'a')
    const second = await put(url, 'same', 'a')
    expect(second.MessageId).toBe(first.MessageId)
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessages: '1' })
  })

  it('need a group', async () => {
    const url = await queue(FIFO, '.fifo')
    expect(await refusal(put(url, 'a'))).toMatchObject({ name: 'MissingParameter' })
  })
})

describe('POST /queues/NAME/messages', () => {
  const put = async (name: string, content: unknown) => {
    const response = await fetch(`${managed.host.managementUrl}/queues/${name}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(content),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const nameOf = (url: string): string => url.split('/').at(-1) ?? ''

  it('sends one message, with attributes', async () => {
    const url = await queue()
    expect(await put(nameOf(url), { body: { a: 1 }, attributes: { kind: 'order' } })).toMatchObject({
      status: 200,
      body: { messages: [{ id: expect.any(String) as string, sequence: expect.any(String) as string }] },
    })
    const [message] = await receive(url, { MessageAttributeNames: ['All'] })
    expect(message).toMatchObject({ Body: '{"a":1}', MessageAttributes: { kind: { DataType: 'String', StringValue: 'order' } } })
  })

  it('sends several, in their order', async () => {
    const url = await queue()
    expect(await put(nameOf(url), { messages: [{ body: 'a' }, { body: 'b' }] })).toMatchObject({ status: 200 })
    expect(bodies(await receive(url))).toEqual(['a', 'b'])
  })

  it('sends none of several when one is wrong, and says which', async () => {
    const url = await queue()
    expect(await put(nameOf(url), { messages: [{ body: 'a' }, { body: 'b', delaySeconds: 901 }] })).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/^messages\[1\]: .*901/) as string },
    })
    expect(await receive(url)).toEqual([])
  })

  it.each([
    ['a queue that does not exist', 'none', { body: 'a' }, 404, /There is no queue none/],
    ['nothing', undefined, {}, 400, /body is missing/],
    ['a member that there is not', undefined, { body: 'a', colour: 1 }, 400, /"colour" is not provided/],
    [
      'too many',
      undefined,
      { messages: Array.from({ length: 1001 }, () => ({ body: 'a' })) },
      400,
      /1001 messages, the limit is 1000/,
    ],
  ])('refuses %s', async (_, name, content, status, message) => {
    const refused = await put(name ?? nameOf(await queue()), content)
    expect(refused).toMatchObject({ status, body: { message: expect.stringMatching(message) as string } })
  })
})

describe('the endpoint', () => {
  const post = async (operation: string, body: string) => {
    const response = await fetch(managed.host.managementUrl ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
      body,
    })
    return { status: response.status, error: response.headers.get('x-amzn-query-error'), body: (await response.json()) as object }
  }

  it.each([
    ['an operation that there is not', 'Sing', '{}', 'InvalidAction;Sender'],
    ['a body that is no JSON', 'ListQueues', '{', 'SerializationException;Sender'],
    ['a parameter that there is not', 'ListQueues', '{"Colour":1}', 'InvalidParameterValue;Sender'],
    ['a call without a queue', 'PurgeQueue', '{}', 'MissingParameter;Sender'],
    ['the address of something else', 'PurgeQueue', '{"QueueUrl":"http://x/1/2/3"}', 'InvalidAddress;Sender'],
    ['an empty batch', 'SendMessageBatch', '{"QueueUrl":"some","Entries":[]}', 'AWS.SimpleQueueService.NonExistentQueue;Sender'],
  ])('refuses %s', async (_, operation, body, error) => {
    expect(await post(operation, body)).toMatchObject({ status: 400, error })
  })

  it('ends receivers that wait when the host is stopped', { timeout: 15_000 }, async () => {
    const other = await startManaged()
    const own = sqsClient(other)
    const { QueueUrl } = await own.send(new CreateQueueCommand({ QueueName: 'waiting' }))
    const waiting = own.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }))
    // Answered behind the other one, which is waiting then.
    await own.send(new ListQueuesCommand({}))
    await other.stop()
    expect((await waiting).Messages).toBeUndefined()
    own.destroy()
  })
})
