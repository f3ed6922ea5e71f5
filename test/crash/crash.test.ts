import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  CreateEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda'
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, describe, expect, it } from 'vitest'
import { create, nodeFunction, removeFolders, temporaryFolder } from '../gateway/management/host.ts'
import { serve } from '../gateway/management/serve.ts'
import { Evidence, Random } from './evidence.ts'

/*
 * A host, or a lane of it, that is killed at random moments, again and again, while messages, records and asynchronous invocations come in and functions work them
 * off. What the host has acknowledged must have been done, or be among the dead letters, at the end. AMPOULE_CRASHES says how often it is
 * killed, AMPOULE_SEED repeats a run as far as a run can be repeated.
 */
const CRASHES = Number(process.env['AMPOULE_CRASHES'] ?? 3)
const SEED = Number(process.env['AMPOULE_SEED'] ?? randomInt(2 ** 31))

const LANE_KILLER = new URL('./lane-killer.ts', import.meta.url).href

afterAll(removeFolders)

/** Messages that begin so fail always. */
const BAD = 'bad'
const GROUPS = ['a', 'b', 'c', 'd']
const ACCOUNT = '000000000000'
const queueArn = (name: string) => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`
const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }

/** Says what it has done; it ends only when that is out, or a kill could take the word of it and leave the deed. */
const WORK = `
const told = () => new Promise((resolve) => setTimeout(resolve, 50))
const work = async (kind, id) => {
  if (id.startsWith('${BAD}')) throw new Error(id)
  await new Promise((resolve) => setTimeout(resolve, 2))
  console.log('done ' + kind + ' ' + id)
}`

const VISIBILITY_MS = 2_000

const QUEUE = `${WORK}
export const handler = async (event) => {
  const batchItemFailures = []
  for (const { messageId, body, attributes } of event.Records) {
    // Another copy may run only when the visibility timeout of the one before is over.
    const sinceMs = Date.now() - Number(attributes.ApproximateFirstReceiveTimestamp)
    if (sinceMs < ${VISIBILITY_MS} * (Number(attributes.ApproximateReceiveCount) - 1)) console.log('early ' + body)
    await work('queue', body).catch(() => batchItemFailures.push({ itemIdentifier: messageId }))
  }
  await told()
  return { batchItemFailures }
}`

const GROUP = `${WORK}
export const handler = async (event) => {
  for (const { body } of event.Records) await work('group', body)
  await told()
}`

const STREAM = `${WORK}
export const handler = async (event) => {
  for (const { kinesis } of event.Records) await work('stream', atob(kinesis.data))
  await told()
}`

const EVENT = `${WORK}
export const handler = async ({ id }) => {
  await work('event', id)
  await told()
}`

type Host = Awaited<ReturnType<typeof start>>

async function start(folder: string) {
  const env = { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${LANE_KILLER}` }
  const host = await serve(folder, [], { deadlineMs: 3_600_000, env })
  const { endpoint } = host
  const options = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }
  const [sqs, kinesis, lambda] = [new SQSClient(options), new KinesisClient(options), new LambdaClient(options)]
  const url = (name: string) => `${endpoint}/${ACCOUNT}/${name}`
  const close = () => [sqs, kinesis, lambda].forEach((client) => client.destroy())
  return { ...host, sqs, kinesis, lambda, url, close }
}

async function setUp({ sqs, kinesis, lambda, client }: Host): Promise<void> {
  const queue = (QueueName: string, Attributes: Record<string, string> = {}) =>
    sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
  await queue('dead')
  await queue('failed')
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: queueArn('dead'), maxReceiveCount: 5 })
  await queue('work', { VisibilityTimeout: '2', RedrivePolicy })
  await queue('steps.fifo', { VisibilityTimeout: '2', FifoQueue: 'true' })
  await kinesis.send(new CreateStreamCommand({ StreamName: 'records', ShardCount: 2 }))
  for (const [name, source] of Object.entries({ queue: QUEUE, group: GROUP, stream: STREAM, event: EVENT }))
    await create(client, await nodeFunction(name, source, { Timeout: 2 }))
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'event',
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: queueArn('failed') } },
    }),
  )
  const map = (FunctionName: string, EventSourceArn: string, more: object = {}) =>
    lambda.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn, ...more }))
  await map('queue', queueArn('work'), { FunctionResponseTypes: ['ReportBatchItemFailures'] })
  await map('group', queueArn('steps.fifo'))
  await map('stream', `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/records`, {
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 10,
    ParallelizationFactor: 2,
  })
}

/** Sends as fast as the host takes it, until it is gone. What it has acknowledged is kept in the evidence. */
class Producer {
  readonly #evidence: Evidence
  readonly #random: Random
  /** Of a group or key: the next number. One at a time, so that their order is known. */
  readonly #next = new Map<string, number>()
  #stopped = false

  constructor(evidence: Evidence, random: Random) {
    this.#evidence = evidence
    this.#random = random
  }

  stop(): void {
    this.#stopped = true
  }

  async run(host: Host): Promise<void> {
    this.#stopped = false
    await Promise.all([this.#messages(host), this.#groups(host), this.#records(host), this.#events(host)])
  }

  async #messages({ sqs, url }: Host): Promise<void> {
    await this.#until(async () => {
      const ids = Array.from({ length: 10 }, () => `${this.#random.below(50) === 0 ? BAD : 'message'}-${randomUUID()}`)
      const Entries = ids.map((MessageBody, index) => ({ Id: String(index), MessageBody }))
      const { Successful = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url('work'), Entries }))
      for (const { Id } of Successful) this.#evidence.acknowledged('queue', ids[Number(Id)] ?? '')
    })
  }

  async #groups({ sqs, url }: Host): Promise<void> {
    await this.#until(async () => {
      const ids = GROUPS.map((group) => this.#id(group))
      const Entries = ids.map((MessageBody, index) => ({
        Id: String(index),
        MessageBody,
        MessageGroupId: GROUPS[index],
        MessageDeduplicationId: MessageBody,
      }))
      const { Successful = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url('steps.fifo'), Entries }))
      for (const { Id } of Successful) this.#evidence.acknowledged('group', ids[Number(Id)] ?? '')
    })
  }

  async #records({ kinesis }: Host): Promise<void> {
    await this.#until(async () => {
      const keys = GROUPS.map((key) => `key-${key}`)
      const ids = keys.map((key) => this.#id(key))
      const Records = ids.map((id, index) => ({ PartitionKey: keys[index], Data: Buffer.from(id) }))
      await kinesis.send(new PutRecordsCommand({ StreamName: 'records', Records }))
      for (const id of ids) this.#evidence.acknowledged('stream', id)
    })
  }

  async #events({ lambda }: Host): Promise<void> {
    await this.#until(async () => {
      const id = `${this.#random.below(20) === 0 ? BAD : 'event'}-${randomUUID()}`
      const Payload = JSON.stringify({ id })
      await lambda.send(new InvokeCommand({ FunctionName: 'event', InvocationType: 'Event', Payload }))
      this.#evidence.acknowledged('event', id)
    })
  }

  /** What was sent and not acknowledged may be there or not: its number is never given again. */
  #id(key: string): string {
    const number = this.#next.get(key) ?? 0
    this.#next.set(key, number + 1)
    return `${key}:${number}`
  }

  async #until(send: () => Promise<void>): Promise<void> {
    while (!this.#stopped)
      try {
        await send()
        await pause(this.#random.below(20))
      } catch {
        // The host is gone, or so busy that it refuses: then later.
        await pause(20)
      }
  }
}

/** False: the whole host has gone. Node aborts now and then when a thread is ended that is just reading HTTP/2 (nodejs/node#38418). */
async function killLane({ ampoule }: Host): Promise<boolean> {
  const died = () => ampoule.stdout.split('a lane ended and is being replaced').length
  const before = died()
  const exited = () => ampoule.process.signalCode !== null
  ampoule.process.kill('SIGUSR2')
  await expect.poll(() => died() > before || exited(), { timeout: 30_000 }).toBe(true)
  if (!exited()) return true
  expect(ampoule.stderr).toContain('Assertion failed: onread->IsFunction()')
  return false
}

/** All that is in a queue, without taking it away. */
async function bodiesOf({ sqs, url }: Host, name: string): Promise<readonly string[]> {
  const bodies: string[] = []
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url(name), MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
    )
    if (Messages.length === 0) return bodies
    bodies.push(...Messages.map(({ Body = '' }) => Body))
  }
}

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const

async function isEmpty({ sqs, url }: Host, name: string): Promise<boolean> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url(name), AttributeNames: ['All'] }))
  return COUNTS.every((name) => Attributes?.[name] === '0')
}

describe('a host that is killed at random moments, or only a lane of it', () => {
  it(
    `has done all that it has acknowledged, or has it among the dead letters, after ${CRASHES} kills (seed ${SEED})`,
    async () => {
      const random = new Random(SEED)
      const evidence = new Evidence()
      const folder = await temporaryFolder()
      let host = await start(folder)
      await setUp(host)
      const producer = new Producer(evidence, random)
      const kills = { hosts: 0, lanes: 0 }
      for (let crash = 1; crash <= CRASHES; crash++) {
        const running = producer.run(host)
        await pause(200 + random.below(1_500))
        // While requests are on their way; half the time a lane alone.
        const gone = crash % 2 === 0 || !(await killLane(host))
        if (gone) kills.hosts++
        else {
          kills.lanes++
          await pause(random.below(300))
        }
        producer.stop()
        if (gone) {
          await host.kill('SIGKILL')
          evidence.read(host.ampoule)
          host.close()
        }
        await running
        if (crash % 10 === 0) process.stdout.write(`  ${crash} of ${CRASHES} kills, ${evidence.summary()}\n`)
        if (gone) host = await start(folder)
      }
      // Nothing more comes: all of it is worked off.
      const seen = () => {
        evidence.read(host.ampoule)
        return evidence
      }
      const WAIT = { timeout: 60_000 + CRASHES * 5_000, interval: 500 }
      await expect.poll(async () => (await isEmpty(host, 'work')) && (await isEmpty(host, 'steps.fifo')), WAIT).toBe(true)
      await expect.poll(() => seen().missing('stream'), WAIT).toEqual([])
      const dead = new Set(await bodiesOf(host, 'dead'))
      const failed = new Set<string>()
      await expect
        .poll(async () => {
          const bodies = await bodiesOf(host, 'failed')
          for (const body of bodies) failed.add((JSON.parse(body) as { requestPayload: { id: string } }).requestPayload.id)
          return seen()
            .missing('event')
            .filter((id) => !failed.has(id))
        }, WAIT)
        .toEqual([])
      await host.kill('SIGTERM')
      host.close()
      evidence.read(host.ampoule)
      process.stdout.write(
        `  seed ${SEED}, ${kills.hosts} kills of the host and ${kills.lanes} of lanes: ${evidence.summary()}\n`,
      )
      expect(evidence.missing('queue').filter((id) => !dead.has(id))).toEqual([])
      expect(evidence.missing('group')).toEqual([])
      expect(evidence.early).toEqual([])
      // Of a group or a key, nothing was done before what came before it.
      expect(evidence.outOfOrder('group')).toEqual([])
      expect(evidence.outOfOrder('stream')).toEqual([])
    },
    300_000 + CRASHES * 20_000,
  )
})
