import { randomInt, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, describe, expect, it } from 'vitest'
import { removeFolders, temporaryFolder } from '../gateway/management/host.ts'
import { serve } from '../gateway/management/serve.ts'
import { openNats } from '../../src/store/nats/open.ts'
import { connectRedis, type Redis } from '../../src/store/redis/connection.ts'
import { queueDefinition } from '../store/queue-conformance.ts'
import { lacking, natsProgram, redisProgram, startNats, startRedis } from '../tools/servers.ts'
import { Evidence, Random } from './evidence.ts'

/*
 * Two hosts with the same functions on one NATS server and one Redis. At random moments one of the four is killed. What was acknowledged must have been
 * done by one of the hosts, or be among the dead letters, at the end.
 */
const CRASHES = Number(process.env['AMPOULE_CRASHES'] ?? 3)
const SEED = Number(process.env['AMPOULE_SEED'] ?? randomInt(2 ** 31))

afterAll(removeFolders)

const MINUTE_MS = 60_000
/** Messages that begin so fail always. */
const BAD = 'bad'

/** As in crash.test.ts, an invocation ends only when the word of it is out. */
const WORKER = `export default {
  async queue(batch) {
    for (const one of batch.messages) {
      const id = one.text()
      if (id.startsWith('${BAD}')) one.retry(0)
      else console.log('done ' + (batch.queue === 'work' ? 'queue ' : 'entry ') + id)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  },
  async stream(batch) {
    for (const one of batch.records) console.log('done stream ' + one.text())
    await new Promise((resolve) => setTimeout(resolve, 50))
  },
  async scheduled({ scheduledTime }) {
    console.log('done tick ' + Number(scheduledTime))
    await new Promise((resolve) => setTimeout(resolve, 50))
  },
}`

type Host = Awaited<ReturnType<typeof start>>

async function start(folder: string, name: string, nats: string) {
  const args = ['--config', join(folder, 'ampoule.jsonc'), '--nats', nats]
  const host = await serve(join(folder, name), args, { deadlineMs: 3_600_000 })
  const { endpoint } = host
  const health = `${/serving 1 function at (http:[^"\s]+)/.exec(host.ampoule.stdout)?.[1] ?? ''}/_ampoule/health`
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
  const options = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }
  const [sqs, kinesis] = [new SQSClient(options), new KinesisClient(options)]
  let number = 0
  return {
    ...host,
    sqs,
    kinesis,
    key: `${name}-${randomUUID()}`,
    next: () => number++,
    health: async () => (await (await fetch(health)).json()) as object,
  }
}

interface Producing {
  readonly evidence: Evidence
  readonly random: Random
  readonly stop: AbortSignal
}

/** Puts entries into Redis as fast as it takes them. */
async function produceEntries(url: string, { evidence, random, stop }: Producing): Promise<void> {
  let client: Redis | undefined
  while (!stop.aborted)
    try {
      client ??= await connectRedis(url)
      const id = `entry-${randomUUID()}`
      await client.xAdd('entries', '*', { body: id })
      evidence.acknowledged('entry', id)
      await pause(random.below(20))
    } catch {
      client?.destroy()
      client = undefined
      await pause(20)
    }
  client?.destroy()
}

/** Sends through a host as fast as it takes it, until it is stopped. What was acknowledged is kept in the evidence. */
async function produce(host: Host, { evidence, random, stop }: Producing): Promise<void> {
  while (!stop.aborted)
    try {
      const ids = Array.from({ length: 10 }, () => `${random.below(50) === 0 ? BAD : 'message'}-${randomUUID()}`)
      const Entries = ids.map((MessageBody, index) => ({ Id: String(index), MessageBody }))
      const QueueUrl = `${host.endpoint}/000000000000/work`
      const { Successful = [] } = await host.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
      for (const { Id } of Successful) evidence.acknowledged('queue', ids[Number(Id)] ?? '')
      // One key for each producer, so that the order of its records is known.
      const record = `${host.key}:${host.next()}`
      const Records = [{ PartitionKey: host.key, Data: Buffer.from(record) }]
      await host.kinesis.send(new PutRecordsCommand({ StreamName: 'records', Records }))
      evidence.acknowledged('stream', record)
      await pause(random.below(20))
    } catch {
      // The host or the server is gone: then later.
      await pause(20)
    }
}

const program = natsProgram()
const redisServer = redisProgram()
const missing = `${lacking(program)}${lacking(redisServer)}`

describe.skipIf(missing !== '')(`two hosts on one NATS server and one Redis${missing}`, () => {
  it(
    `have done all that they have acknowledged, or have it among the dead letters, after ${CRASHES} kills (seed ${SEED})`,
    async () => {
      const [random, evidence] = [new Random(SEED), new Evidence()]
      const server = await startNats(program)
      const redis = await startRedis(redisServer)
      const nats = await openNats({ servers: server.url, credentials: undefined, replicas: 1, report: () => undefined }, Date.now)
      await nats.queues.define(queueDefinition('dead'))
      await nats.queues.define(queueDefinition('work', { visibilityMs: 3_000, deadLetter: { queue: 'dead', maxReceives: 5 } }))
      const folder = await temporaryFolder()
      const functions = {
        worker: {
          source: 'fn.js',
          queue: 'work',
          redis: 'entries',
          stream: 'records',
          schedule: 'rate(1 minute)',
          timeoutMs: 2_000,
        },
      }
      await writeFile(join(folder, 'fn.js'), WORKER)
      await writeFile(join(folder, 'ampoule.jsonc'), JSON.stringify({ functions, redis: redis.url }))
      const hosts = await Promise.all(['one', 'other'].map((name) => start(folder, name, server.url)))
      const startedMs = Date.now()
      const did = [0, 0]
      const read = () =>
        hosts.forEach((host, index) => {
          const before = evidence.done('queue')
          evidence.read(host.ampoule)
          did[index]! += evidence.done('queue') - before
        })
      const kills = { hosts: 0, nats: 0, redis: 0 }
      for (let crash = 1; crash <= CRASHES; crash++) {
        const stop = new AbortController()
        const producing = { evidence, random, stop: stop.signal }
        const running = [...hosts.map((host) => produce(host, producing)), produceEntries(redis.url, producing)]
        await pause(200 + random.below(1_500))
        // The first ones are one of each kind.
        const victim = [1, 2, 3][crash - 1] ?? random.below(4)
        if (victim === 3) {
          kills.redis++
          await redis.kill()
          await pause(random.below(500))
          await redis.start()
          stop.abort()
        } else if (victim === 2) {
          kills.nats++
          await server.kill()
          await expect
            .poll(() => Promise.all(hosts.map((host) => host.health())), { timeout: 10_000 })
            .toEqual(hosts.map(() => ({ status: 'degraded', trouble: 'NATS, which keeps queues and streams, is away' })))
          await server.start()
          await expect
            .poll(() => Promise.all(hosts.map((host) => host.health())), { timeout: 20_000 })
            .toEqual(hosts.map(() => ({ status: 'ok' })))
          stop.abort()
        } else {
          kills.hosts++
          const host = hosts[victim]!
          await host.kill('SIGKILL')
          read()
          host.sqs.destroy()
          host.kinesis.destroy()
          // The other one goes on alone for a while.
          await pause(random.below(500))
          stop.abort()
          hosts[victim] = await start(folder, ['one', 'other'][victim]!, server.url)
        }
        await Promise.all(running)
        if (crash % 10 === 0) process.stdout.write(`  ${crash} of ${CRASHES} kills, ${evidence.summary()}\n`)
      }
      for (let ms = Math.ceil(startedMs / MINUTE_MS) * MINUTE_MS; ms < Date.now(); ms += MINUTE_MS)
        evidence.acknowledged('tick', String(ms))
      // By what is known to be done: the counts of a server (2.9) that was killed have messages in them that are done.
      const dead = new Set<string>()
      const left = async () => {
        read()
        const got = await nats.queues.receive('dead', { limit: 100, visibilityMs: 600_000 })
        for (const { body } of got) dead.add(Buffer.from(body).toString())
        return [
          ...evidence.missing('queue').filter((id) => !dead.has(id)),
          ...evidence.missing('tick'),
          ...evidence.missing('entry'),
          ...evidence.missing('stream'),
        ]
      }
      await expect.poll(left, { timeout: 60_000 + CRASHES * 2_000, interval: 100 }).toEqual([])
      for (const host of hosts) await host.kill('SIGTERM')
      read()
      process.stdout.write(
        `  seed ${SEED}, ${kills.hosts} kills of hosts, ${kills.nats} of NATS, ${kills.redis} of Redis: ${evidence.summary()}; by each host ${did.join(' and ')}\n`,
      )
      expect(evidence.outOfOrder('stream')).toEqual([])
      expect(Math.min(...did)).toBeGreaterThan(0)
      await nats.close()
      await server.close()
      await redis.close()
    },
    120_000 + CRASHES * 20_000,
  )
})
