import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SQSClient } from '@aws-sdk/client-sqs'
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { natsProgram, startNats } from '../test/tools/servers.ts'
import { compare, type Row } from './harness.ts'
import { startManagedHost } from './managed-host.ts'
import { attach, AWS, BODY, createFunction, process, PRODUCERS } from './queue-load.ts'

const ROUNDS = 3
const BATCH = 100
const MESSAGES = 20_000

/** Queues in NATS: from the request that sends a message until the function has processed it, beside what a program without a host does with the same server. */
export async function compareNats(folder: string): Promise<readonly Row[]> {
  const program = natsProgram()
  if ('missing' in program) {
    console.error(`skipped: NATS (${program.missing})`)
    return []
  }
  const server = await startNats(program)
  try {
    await mkdir(folder, { recursive: true })
    const config = join(folder, 'ampoule.jsonc')
    await writeFile(config, JSON.stringify({ functions: {}, nats: server.url }))
    const host = await startManagedHost(join(folder, 'data'), config)
    const lambda = new LambdaClient({ endpoint: host.managementUrl, ...AWS })
    const sqs = new SQSClient({ endpoint: host.managementUrl, ...AWS })
    const agent = new Agent({ keepAlive: true, maxSockets: PRODUCERS })
    const values: [number[], number[]] = [[], []]
    try {
      const hello = await readFile(new URL('../examples/c/hello.wasm', import.meta.url))
      await createFunction(lambda, 'c', 'provided.al2023', 'function.wasm', { 'function.wasm': hello })
      const queue = await attach(lambda, sqs, 'nats', 'c', { BatchSize: BATCH, MaximumBatchingWindowInSeconds: 1 })
      const body = JSON.stringify({ messages: Array.from({ length: BATCH }, () => ({ body: BODY })) })
      // The first round warms up.
      for (let round = -1; round < ROUNDS; round++) {
        const load = { url: host.managementUrl, agent, body, requests: MESSAGES / BATCH }
        const seconds = [await process(queue, load), await bare(server.url)]
        if (round >= 0) seconds.forEach((one, index) => values[index]!.push(MESSAGES / one))
      }
    } finally {
      agent.destroy()
      lambda.destroy()
      sqs.destroy()
      await host.stop()
    }
    const [ours, theirs] = [`NATS: sent to processed, batches of ${BATCH}`, 'a bare NATS pull consumer'].map((name, index) => ({
      name,
      unit: 'messages/s',
      values: values[index]!,
    }))
    return [compare(ours!, theirs!, '>= 0.5')]
  } finally {
    await server.close()
  }
}

/** Seconds until as many messages are published, each confirmed, and consumed with explicit acknowledgements. */
async function bare(url: string): Promise<number> {
  const [publishing, consuming] = [await connect({ servers: url }), await connect({ servers: url })]
  try {
    const jsm = await jetstreamManager(publishing)
    const stream = { name: 'bare', subjects: ['bare'], retention: RetentionPolicy.Workqueue, storage: StorageType.File }
    await jsm.streams.add(stream)
    await jsm.consumers.add('bare', { durable_name: 'one', ack_policy: AckPolicy.Explicit, max_ack_pending: 120_000 })
    const js = jetstream(publishing)
    const body = Buffer.from(BODY)
    const consumer = await jetstream(consuming).consumers.get('bare', 'one')
    const started = performance.now()
    let begun = 0
    const produce = async (): Promise<void> => {
      while (begun < MESSAGES) {
        begun += BATCH
        await Promise.all(Array.from({ length: BATCH }, () => js.publish('bare', body)))
      }
    }
    const consume = async (): Promise<void> => {
      let done = 0
      const messages = await consumer.consume({ max_messages: 10 * BATCH })
      for await (const message of messages) {
        message.ack()
        if (++done === MESSAGES) break
      }
      await messages.close()
      await consuming.flush()
    }
    await Promise.all([consume(), ...Array.from({ length: PRODUCERS }, produce)])
    const seconds = (performance.now() - started) / 1000
    await jsm.streams.delete('bare')
    return seconds
  } finally {
    await publishing.close()
    await consuming.close()
  }
}
