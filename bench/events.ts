import { Agent } from 'node:http'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SQSClient } from '@aws-sdk/client-sqs'
import type { QueueEngine } from '../src/store/queue.ts'
import { openSqliteQueues } from '../src/store/sqlite/open-queues.ts'
import { absolute, compare, type Row, type Samples } from './harness.ts'
import { compareNats } from './events-nats.ts'
import { startManagedHost, type ManagedHost } from './managed-host.ts'
import { attach, AWS, BODY, createFunction, post, process, PRODUCERS, type Attached } from './queue-load.ts'

const ROUNDS = 3
const BATCH = 100
const BATCHED = 40_000
const SINGLE = 10_000
const LATENCIES = 200
const FEW = 1_000
const MANY = 1_000_000
const COSTED = 20_000

/** Queues: from the request that sends a message until the function has processed it, durably; and what it costs that others wait. */
export async function run(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-events-'))
  try {
    const config = join(folder, 'ampoule.jsonc')
    await writeFile(config, '{ "functions": {} }')
    const host = await startManagedHost(join(folder, 'data'), config)
    let rows: readonly Row[]
    try {
      rows = await throughHost(host)
    } finally {
      await host.stop()
    }
    return [...rows, await cost(join(folder, 'cost')), ...(await compareNats(join(folder, 'nats')))]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function throughHost(host: ManagedHost): Promise<readonly Row[]> {
  const lambda = new LambdaClient({ endpoint: host.managementUrl, ...AWS })
  const sqs = new SQSClient({ endpoint: host.managementUrl, ...AWS })
  const agent = new Agent({ keepAlive: true, maxSockets: PRODUCERS })
  try {
    const hello = await readFile(new URL('../examples/c/hello.wasm', import.meta.url))
    await createFunction(lambda, 'c', 'provided.al2023', 'function.wasm', { 'function.wasm': hello })
    const clock =
      'export const handler = async (event) => { for (const { body } of event.Records) console.log("late " + (Date.now() - Number(body))) }'
    await createFunction(lambda, 'clock', 'nodejs22.x', 'index.handler', { 'index.mjs': Buffer.from(clock) })

    console.error(`load: node:http, ${PRODUCERS} connections, messages of ${BODY.length} bytes, ${ROUNDS} rounds a case`)
    const batched = await attach(lambda, sqs, 'batched', 'c', { BatchSize: BATCH, MaximumBatchingWindowInSeconds: 1 })
    const single = await attach(lambda, sqs, 'single', 'c', { BatchSize: 1 })
    const timed = await attach(lambda, sqs, 'timed', 'clock', { BatchSize: 1 })
    const hundred = JSON.stringify({ messages: Array.from({ length: BATCH }, () => ({ body: BODY })) })
    const one = JSON.stringify({ body: BODY })
    const rate = async (queue: Attached, body: string, requests: number, messages: number): Promise<number[]> => {
      const rates: number[] = []
      // The first round warms up.
      for (let round = -1; round < ROUNDS; round++) {
        const seconds = await process(queue, {
          url: host.managementUrl,
          agent,
          body,
          requests: round < 0 ? requests / 10 : requests,
        })
        if (round >= 0) rates.push(messages / seconds)
      }
      return rates
    }
    await rate(batched, hundred, BATCHED / BATCH, BATCHED)
    const before = host.privateMb()
    const rows = [
      absolute(
        {
          name: `sent to processed, batches of ${BATCH}`,
          unit: 'messages/s',
          values: await rate(batched, hundred, BATCHED / BATCH, BATCHED),
        },
        '>= 10000 messages/s',
      ),
      absolute(
        {
          name: `sent to processed, one by one, ${PRODUCERS} producers`,
          unit: 'messages/s',
          values: await rate(single, one, SINGLE, SINGLE),
        },
        '>= 2000 messages/s',
      ),
    ]
    const after = host.privateMb()
    return [
      ...rows,
      absolute({ name: 'sent to handler’s start, idle', unit: 'ms', values: await latencies(host, timed, agent) }, 'p50 <= 5 ms'),
      compare(memory('memory after', after), memory('memory before', before), 'flat'),
    ]
  } finally {
    agent.destroy()
    lambda.destroy()
    sqs.destroy()
  }
}

const memory = (name: string, value: number): Samples => ({ name, unit: 'MB', values: [value] })

/** Milliseconds by the machine's clock, one message at a time. */
async function latencies(host: ManagedHost, { name, left }: Attached, agent: Agent): Promise<readonly number[]> {
  for (let i = 0; i < LATENCIES; i++) {
    await post(`${host.managementUrl}/queues/${name}/messages`, JSON.stringify({ body: String(Date.now()) }), agent)
    while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const client = new CloudWatchLogsClient({ endpoint: host.managementUrl, ...AWS })
  try {
    const { events = [] } = await client.send(
      new FilterLogEventsCommand({ logGroupName: '/aws/lambda/clock', filterPattern: 'late', limit: 10_000 }),
    )
    return events.map(({ message = '' }) => Number(/late (\d+)/.exec(message)?.[1]))
  } finally {
    client.destroy()
  }
}

/** Sent, received and acknowledged in batches, with few and with many others that wait. */
async function cost(folder: string): Promise<Row> {
  const values: number[][] = [[], []]
  const engines: QueueEngine[] = []
  try {
    for (const [index, waiting] of [FEW, MANY].entries()) {
      const engine = await openSqliteQueues(join(folder, String(index)), Date.now)
      engines.push(engine)
      await engine.define({
        name: 'q',
        fifo: false,
        visibilityMs: 600_000,
        delayMs: 0,
        retentionMs: 86_400_000,
        deadLetter: undefined,
        attributes: {},
      })
      for (let sent = 0; sent < waiting; sent += 1000) await engine.send('q', messages(1000))
    }
    for (let round = -1; round < ROUNDS; round++)
      for (const [index, engine] of engines.entries()) {
        const started = performance.now()
        for (let done = 0; done < COSTED; done += BATCH) {
          await engine.send('q', messages(BATCH))
          const received = await engine.receive('q', { limit: BATCH })
          await engine.acknowledge(
            'q',
            received.map(({ receipt }) => receipt),
          )
        }
        if (round >= 0) values[index]!.push(((performance.now() - started) / COSTED) * 1000)
      }
  } finally {
    for (const engine of engines) await engine.close()
  }
  const [few, many] = [FEW, MANY].map((waiting, index) => ({
    name: `${waiting.toLocaleString('en')} messages waiting`,
    unit: 'us/message',
    values: values[index]!,
  }))
  return compare(many!, few!, '<= 1.3')
}

const body = Buffer.from(BODY)
const messages = (count: number) => Array.from({ length: count }, () => ({ id: randomUUID(), body }))
