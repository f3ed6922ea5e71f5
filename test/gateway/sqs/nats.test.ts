import { CreateEventSourceMappingCommand } from '@aws-sdk/client-lambda'
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacking, natsProgram, startNats, type TestServer } from '../../tools/servers.ts'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from '../management/host.ts'
import { sqsClient } from './client.ts'

const program = natsProgram()
const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`

describe.skipIf(lacking(program) !== '')(`a host whose queues are in NATS${lacking(program)}`, () => {
  let server: TestServer
  let managed: ManagedHost
  let sqs: SQSClient
  beforeAll(async () => {
    server = await startNats(program)
    managed = await startManaged({ nats: server.url })
    sqs = sqsClient(managed)
  })
  afterAll(async () => {
    sqs.destroy()
    await managed.stop()
    await server.close()
    await removeFolders()
  })

  const queue = async (QueueName: string, Attributes: Record<string, string> = {}) =>
    (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? ''

  it('has SQS with attributes of messages, dead letters, redrive and visibility', async () => {
    const dead = await queue('dead')
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount: 1 })
    const QueueUrl = await queue('orders', { RedrivePolicy, VisibilityTimeout: '60' })
    const MessageAttributes = { kind: { DataType: 'String', StringValue: 'größe 🙂' } }
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a', MessageAttributes }))
    const receive = async (url: string) =>
      (await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 1, MessageAttributeNames: ['All'] })))
        .Messages ?? []
    const [got] = await receive(QueueUrl)
    expect(got).toMatchObject({ Body: 'a', MessageAttributes })
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: got?.ReceiptHandle, VisibilityTimeout: 0 }))
    expect(await receive(QueueUrl)).toEqual([])
    const counts = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['All'] }))
    expect(counts.Attributes).toMatchObject({ ApproximateNumberOfMessages: '1' })
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn('dead') }))
    await expect.poll(() => receive(QueueUrl), { timeout: 10_000 }).toMatchObject([{ Body: 'a', MessageAttributes }])
  })

  it('gives a queue’s messages to a function', async () => {
    const QueueUrl = await queue('work')
    const source = `export const handler = async (event) => event.Records.map(({ body }) => body)`
    await create(managed.client, await nodeFunction('worker', source))
    await managed.client.send(
      new CreateEventSourceMappingCommand({ FunctionName: 'worker', EventSourceArn: arn('work'), BatchSize: 5 }),
    )
    const Entries = Array.from({ length: 10 }, (_, index) => ({ Id: String(index), MessageBody: String(index) }))
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    const left = async () => (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes
    await expect
      .poll(left, { timeout: 10_000 })
      .toMatchObject({ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' })
  })

  it.each([
    ['a FIFO queue', () => queue('x.fifo', { FifoQueue: 'true' }), 'the queue engine NATS has no FIFO queues'],
    ['a queue with a delay', () => queue('late', { DelaySeconds: '5' }), 'the queue engine NATS has no delayed messages'],
    [
      'a message with a delay',
      async () => sqs.send(new SendMessageCommand({ QueueUrl: await queue('now'), MessageBody: 'x', DelaySeconds: 5 })),
      'the queue engine NATS has no delayed messages',
    ],
    [
      'a message that is longer than the server takes',
      async () => sqs.send(new SendMessageCommand({ QueueUrl: await queue('long'), MessageBody: 'x'.repeat(1_048_576) })),
      'max_payload: 1048576 bytes',
    ],
  ])('refuses %s, naming why', async (_, attempt, message) => {
    await expect(attempt()).rejects.toMatchObject({
      name: 'UnsupportedOperation',
      message: expect.stringContaining(message) as string,
    })
  })

  it('refuses a trigger that needs what the engine has not', async () => {
    await create(managed.client, await nodeFunction('fifo', 'export const handler = () => 1'))
    const command = new CreateEventSourceMappingCommand({ FunctionName: 'fifo', EventSourceArn: arn('x.fifo') })
    await expect(managed.client.send(command)).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: 'The queue engine NATS has no FIFO queues: arn:aws:sqs:us-east-1:000000000000:x.fifo',
    })
  })
})
