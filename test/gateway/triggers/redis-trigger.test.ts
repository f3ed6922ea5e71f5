import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateEventSourceMappingCommand } from '@aws-sdk/client-lambda'
import { CreateQueueCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectRedis, type Redis } from '../../../src/store/redis/connection.ts'
import { run } from '../../cli/ampoule.ts'
import { lacking, redisProgram, startRedis, type TestServer } from '../../tools/servers.ts'
import { logOf, logsClient, messages } from '../logs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, temporaryFolder, type ManagedHost } from '../management/host.ts'
import { sqsClient } from '../sqs/client.ts'

const program = redisProgram()
const WAIT = { timeout: 20_000, interval: 50 }
const arn = (key: string) => `arn:aws:elasticache:us-east-1:000000000000:stream/${key}`

describe.skipIf(lacking(program) !== '')(`a function that gets a stream of Redis${lacking(program)}`, () => {
  let server: TestServer
  let redis: Redis
  let managed: ManagedHost
  let sqs: SQSClient
  beforeAll(async () => {
    server = await startRedis(program)
    redis = await connectRedis(server.url)
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'ampoule.jsonc'), JSON.stringify({ functions: {}, redis: server.url }))
    managed = await startManaged({ dataDir: join(folder, 'data'), config: join(folder, 'ampoule.jsonc') })
    sqs = sqsClient(managed)
  })
  afterAll(async () => {
    sqs.destroy()
    await managed.stop()
    redis.destroy()
    await server.close()
    await removeFolders()
  })

  const logged = async (name: string) => {
    const logs = logsClient(managed.host.managementUrl ?? '')
    try {
      return messages(await logOf(logs, name)).flatMap((line) => /got (.*)/.exec(line)?.[1] ?? [])
    } finally {
      logs.destroy()
    }
  }

  it('gets entries as messages, and those that fail too often go to a queue', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'failed' }))
    const source = `export const handler = async (event) => {
  const batchItemFailures = []
  for (const { messageId, body, messageAttributes } of event.Records) {
    if (body === 'bad') batchItemFailures.push({ itemIdentifier: messageId })
    else console.log('got ' + body + ' ' + messageAttributes.kind?.stringValue)
  }
  return { batchItemFailures }
}`
    await create(managed.client, await nodeFunction('book', source))
    await redis.xAdd('orders', '*', { body: 'before', kind: 'first' })
    const env = { AMPOULE_ENDPOINT: managed.host.managementUrl ?? '' }
    const options = ['--redis', '--retries', '0', '--dead-letters', 'failed', '--partial']
    expect(await run(['trigger', 'create', 'book', 'orders', ...options], { env })).toMatchObject({ code: 0, stderr: '' })
    await redis.xAdd('orders', '*', { body: 'after', kind: 'second' })
    await expect
      .poll(async () => (await logged('book')).toSorted((a, b) => a.localeCompare(b)), WAIT)
      .toEqual(['after second', 'before first'])
    expect((await run(['trigger', 'list', 'book'], { env })).stdout).toMatch(/ book +orders +at work .* OK/)
    expect(await redis.xPending('orders', 'book')).toMatchObject({ pending: 0 })
    // A function that has failed for good: what it gets stands in the queue.
    await redis.xAdd('orders', '*', { body: 'bad', kind: 'third' })
    await expect.poll(async () => (await redis.xPending('orders', 'book')).pending, WAIT).toBe(1)
    const [pending] = await redis.xPendingRange('orders', 'book', '-', '+', 1)
    // As if its consumer had died.
    await redis.xClaimJustId('orders', 'book', 'dead', 0, String(pending?.id), { IDLE: 60_000 })
    await expect
      .poll(async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }))).Messages, WAIT)
      .toMatchObject([{ Body: 'bad', MessageAttributes: { kind: { StringValue: 'third' } } }])
  })

  it.each([
    [{ ParallelizationFactor: 2 }, 'Unsupported parameter ParallelizationFactor'],
    [{ StartingPosition: 'AT_TIMESTAMP', StartingPositionTimestamp: new Date() }, 'Unsupported'],
  ] as const)('is refused %j', async (more, message) => {
    const command = new CreateEventSourceMappingCommand({ FunctionName: 'book', EventSourceArn: arn('others'), ...more })
    await expect(managed.client.send(command)).rejects.toMatchObject({ message: expect.stringContaining(message) as string })
  })

  it('needs a Redis that the host knows', async () => {
    const other = await startManaged()
    await create(other.client, await nodeFunction('book', 'export const handler = () => 1'))
    const command = new CreateEventSourceMappingCommand({ FunctionName: 'book', EventSourceArn: arn('orders') })
    await expect(other.client.send(command)).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: `The event source ${arn('orders')} is a stream of Redis, and the host knows none: set redis in ampoule.jsonc`,
    })
    await other.stop()
    const folder = await temporaryFolder()
    const start = (configuration: object) =>
      writeFile(join(folder, 'ampoule.jsonc'), JSON.stringify(configuration)).then(() =>
        startManaged({ dataDir: join(folder, 'data'), config: join(folder, 'ampoule.jsonc') }),
      )
    await writeFile(join(folder, 'fn.js'), 'export default { queue() {} }')
    await expect(start({ functions: { fn: { source: 'fn.js', redis: 'orders' } } })).rejects.toMatchObject({
      message: 'functions.fn.redis: the host knows no Redis: set redis, too',
    })
    await expect(start({ functions: {}, redis: 'http://x' })).rejects.toMatchObject({
      message: 'redis must be a URL like redis://127.0.0.1:6379, or rediss://…',
    })
  })
})
