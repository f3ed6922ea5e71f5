/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { describe, expect, test } from 'vitest'
import type { Context, Environment, FunctionModule } from '../../guest-sdk/runtime/function.ts'
import type { Message, MessageBatch, ScheduledEvent, StreamBatch } from '../../guest-sdk/types/function.ts'
import type { KinesisStreamEvent, SQSEvent } from '../../guest-sdk/types/lambda.ts'
import { encodeQueueEvent, encodeScheduledEvent, encodeStreamEvent, type QueueMessage } from '../../src/invoke/batch-event.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { drive, failure } from './drive.ts'

const origin = { id: 'request-1', functionName: 'worker', deadlineMs: 0 }
const message = (id: string, body: QueueMessage['body'] = id): QueueMessage => ({ id, timestampMs: 1000, attempts: 1, body })

const queueEvent = (...messages: QueueMessage[]): Uint8Array => encodeQueueEvent(origin, { queue: 'orders', messages }, 'json')
const three = queueEvent(message('a'), message('b'), message('c'))

const record = (id: string, data: string | Uint8Array = id) => ({
  id,
  key: `key-${id}`,
  timestampMs: 1500,
  data: Buffer.from(data),
})
const streamEvent = (...records: ReturnType<typeof record>[]): Uint8Array =>
  encodeStreamEvent(origin, { stream: 'clicks', shard: 'shard-0', records }, 'json')
const tick = encodeScheduledEvent(origin, { schedule: 'nightly', cron: '0 3 * * *', timeMs: Date.UTC(2026, 0, 2, 3) }, 'json')

const answer = async (module: FunctionModule, event: Uint8Array): Promise<unknown> =>
  decodeEnvelope(await drive(module).handle(event)).head

/** The failures that a queue function's answer names. */
const failures = async (queue: (batch: MessageBatch) => unknown, event = three): Promise<unknown> =>
  ((await answer({ default: { queue } }, event)) as { failures: unknown }).failures

const find = (batch: MessageBatch, id: string): Message => {
  const found = batch.messages.find((candidate) => candidate.id === id)
  if (found === undefined) throw new Error(`no message ${id}`)
  return found
}

describe('a queue function', () => {
  test('gets messages with id, time, attempts, attributes and body, as text and as JSON', async () => {
    const seen: unknown[] = []
    const queue = (batch: MessageBatch, env: Environment, ctx: Context): void => {
      const [first, second] = batch.messages
      seen.push(batch.queue, env, ctx.requestId, first?.json(), second?.body, second?.text())
      seen.push([first?.id, first?.timestamp, first?.attempts, first?.attributes, first?.group])
    }
    const first = { ...message('a', '{"ü":"\u{1f600}"}'), attempts: 3, attributes: { kind: 'x' }, group: 'g' }
    await answer({ default: { queue } }, queueEvent(first, message('b', new Uint8Array([0xff, 65]))))
    expect(seen).toEqual([
      'orders',
      {},
      'request-1',
      { ü: '\u{1f600}' },
      Buffer.from([0xff, 65]),
      '\ufffdA',
      ['a', new Date(1000), 3, { kind: 'x' }, 'g'],
    ])
  })

  test('that ends well has done every message that it did not retry', async () => {
    expect(await failures(() => undefined)).toEqual([])
    expect(await failures((batch) => find(batch, 'b').retry({ delaySeconds: 5 }))).toEqual([{ id: 'b', delay: 5 }])
    expect(await failures((batch) => batch.retryAll())).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  })

  test('may decide for all and for one: what was said of the message counts, and the first of it', async () => {
    const some = await failures((batch) => {
      find(batch, 'a').ack()
      find(batch, 'a').retry()
      batch.retryAll({ delaySeconds: 1 })
      batch.ackAll()
    })
    expect(some).toEqual([
      { id: 'b', delay: 1 },
      { id: 'c', delay: 1 },
    ])
    const one = await failures((batch) => {
      batch.ackAll()
      find(batch, 'c').retry()
    })
    expect(one).toEqual([{ id: 'c' }])
  })

  test('that throws says which messages it had acknowledged before, if any', async () => {
    const queue = (batch: MessageBatch): void => {
      if (batch.messages.length > 1) batch.messages[0]?.ack()
      throw new Error('broken')
    }
    const function_ = drive({ default: { queue } })
    expect(await failure(function_, three)).toMatchObject({ message: 'broken', failures: [{ id: 'b' }, { id: 'c' }] })
    expect(await failure(function_, queueEvent(message('a')))).not.toHaveProperty('failures')
  })

  test('that answers as Lambda does, or asks for an impossible delay, or reads JSON that is none, fails and is told why', async () => {
    const told = async (queue: (batch: MessageBatch) => unknown): Promise<string> => {
      const { name, message: text } = await failure(drive({ default: { queue } }), three)
      return `${name}: ${text}`
    }
    expect(await told(() => ({ batchItemFailures: [] }))).toMatch(/^TypeError: queue.* must return nothing.*message\.retry\(\)/)
    expect(await told((batch) => batch.messages[0]?.retry({ delaySeconds: 43_201 }))).toMatch(/^RangeError: delaySeconds .*43201/)
    expect(await told((batch) => batch.messages[0]?.json())).toMatch(/^SyntaxError: the message a is not JSON/)
  })

  test('may return what it likes otherwise', async () => {
    expect(await failures((batch) => Promise.all(batch.messages.map((one) => Promise.resolve(one.id))))).toEqual([])
  })

  test('waits for what was given to waitUntil before it says what failed', async () => {
    const queue = (batch: MessageBatch, _: Environment, ctx: Context): void => {
      ctx.waitUntil(Promise.resolve().then(() => find(batch, 'b').retry()))
    }
    expect(await answer({ default: { queue } }, three)).toEqual({ failures: [{ id: 'b' }] })
  })
})

describe('a stream function', () => {
  test('gets records with sequence number, key, time and bytes', async () => {
    const seen: unknown[] = []
    const stream = (batch: StreamBatch): void => {
      seen.push(batch.stream, batch.shard)
      for (const one of batch.records)
        seen.push([one.sequenceNumber, one.partitionKey, one.approximateArrivalTimestamp.getTime(), [...one.data], one.text()])
    }
    const event = streamEvent(record('1', 'é'), record('2', ''), record('3', new Uint8Array([0xff])))
    expect(await answer({ default: { stream } }, event)).toEqual({ failures: [] })
    expect(seen).toEqual([
      'clicks',
      'shard-0',
      ['1', 'key-1', 1500, [0xc3, 0xa9], 'é'],
      ['2', 'key-2', 1500, [], ''],
      ['3', 'key-3', 1500, [0xff], '\ufffd'],
    ])
  })

  test('names the earliest record that it retried', async () => {
    const stream = (batch: StreamBatch): void => {
      batch.records[2]?.retry()
      batch.records[1]?.retry()
    }
    expect(await answer({ default: { stream } }, streamEvent(record('1'), record('2'), record('3')))).toEqual({
      failures: [{ id: '2' }],
    })
  })

  test('that throws has done nothing of the batch, since order is kept', async () => {
    const stream = (batch: StreamBatch): void => {
      batch.records[1]?.retry()
      throw new Error('broken')
    }
    const error = await failure(drive({ default: { stream } }), streamEvent(record('1'), record('2')))
    expect(error.message).toBe('broken')
    expect(error).not.toHaveProperty('failures')
  })
})

describe('a scheduled function', () => {
  test('gets the schedule and the time of its tick, and answers nothing', async () => {
    let seen: ScheduledEvent | undefined
    const scheduled = async (event: ScheduledEvent): Promise<string> => {
      seen = event
      return Promise.resolve('ignored')
    }
    expect(await answer({ default: { scheduled } }, tick)).toEqual({})
    expect(seen).toEqual({ schedule: 'nightly', cron: '0 3 * * *', scheduledTime: Date.UTC(2026, 0, 2, 3) })
  })
})

describe('a Lambda handler of batches', () => {
  test('gets messages as SQS records', async () => {
    const full = {
      ...message('a', 'hello'),
      attempts: 2,
      attributes: { kind: 'x' },
      group: 'g',
      deduplication: 'd',
      sequence: '9',
    }
    const { payload } = (await answer(
      { handler: (event: unknown) => event },
      queueEvent(full, message('b', new Uint8Array([255]))),
    )) as { payload: SQSEvent }
    expect(payload.Records).toEqual([
      {
        messageId: 'a',
        receiptHandle: 'a',
        body: 'hello',
        attributes: {
          ApproximateReceiveCount: '2',
          SentTimestamp: '1000',
          SenderId: '000000000000',
          ApproximateFirstReceiveTimestamp: '1000',
          SequenceNumber: '9',
          MessageGroupId: 'g',
          MessageDeduplicationId: 'd',
        },
        messageAttributes: { kind: { stringValue: 'x', stringListValues: [], binaryListValues: [], dataType: 'String' } },
        md5OfBody: '5d41402abc4b2a76b9719d911017c592',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:orders',
        awsRegion: 'us-east-1',
      },
      expect.objectContaining({ messageId: 'b', body: '/w==' }),
    ])
  })

  test('gets records as Kinesis records', async () => {
    const event = streamEvent(record('1', 'hi'))
    const { payload } = (await answer({ handler: (value: unknown) => value }, event)) as { payload: KinesisStreamEvent }
    expect(payload.Records).toEqual([
      {
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: 'key-1',
          sequenceNumber: '1',
          data: 'aGk=',
          approximateArrivalTimestamp: 1.5,
        },
        eventSource: 'aws:kinesis',
        eventVersion: '1.0',
        eventID: 'shard-0:1',
        eventName: 'aws:kinesis:record',
        invokeIdentityArn: 'arn:aws:iam::000000000000:role/ampoule',
        awsRegion: 'us-east-1',
        eventSourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks',
      },
    ])
  })

  test("gets a tick as EventBridge's scheduled event", async () => {
    let seen: unknown
    expect(await answer({ handler: (event: unknown) => void (seen = event) }, tick)).toEqual({})
    expect(seen).toEqual({
      version: '0',
      id: 'request-1',
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '000000000000',
      time: '2026-01-02T03:00:00Z',
      region: 'us-east-1',
      resources: ['arn:aws:events:us-east-1:000000000000:rule/nightly'],
      detail: {},
    })
  })

  test('has what it returns passed on to the host, which knows the rules for it', async () => {
    const result = { batchItemFailures: [{ itemIdentifier: 'b' }] }
    expect(await answer({ handler: () => result }, three)).toEqual({ payload: result })
    expect(await answer({ handler: () => undefined }, three)).toEqual({ payload: null })
  })
})

describe('a module', () => {
  test('with both forms gets in its own form what it has a handler for, and the rest in Lambda’s', async () => {
    const module = { default: { queue: () => undefined }, handler: () => 'lambda' }
    expect(await answer(module, three)).toEqual({ failures: [] })
    expect(await answer(module, streamEvent(record('1')))).toEqual({ payload: 'lambda' })
  })

  test.each([
    [
      { default: { fetch: () => new Response() } },
      'no handler for queue events: export default { queue(batch, env, ctx) }, or export',
    ],
    [
      { default: { queue: 'x' } },
      '`queue` of the default export must be a function queue(batch, env, ctx), but is the string "x"',
    ],
    [{ handler: {} }, 'the export `handler` must be a function handler(event, context), but is an object without keys'],
    [{ default: { run: 1 } }, 'the default export is an object with the keys run: it must be an object with fetch('],
    [{}, 'the module exports neither `default` (an object with fetch('],
  ])('%o says what is missing', async (module, said) => {
    expect(await failure(drive(module), three)).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining(said) as string,
    })
  })

  test.each([
    ['queue', encodeEnvelope({ type: 'queue', id: 'i', fn: 'f', deadline: 0, queue: 'q' }, null)],
    ['stream', encodeEnvelope({ type: 'stream', id: 'i', fn: 'f', deadline: 0, stream: 's', shard: 's', records: [1] }, null)],
    ['scheduled', encodeEnvelope({ type: 'scheduled', id: 'i', fn: 'f', deadline: 0, cron: 'x' }, null)],
    ['queue', encodeEnvelope({ type: 'queue', id: 'i', fn: 'f', deadline: 0, queue: 'q', messages: [{ bytes: 2 }] }, null)],
  ])('answers a %s event that is not whole with an error', async (_, event) => {
    expect((await failure(drive({ handler: () => null }), event)).name).toBe('TypeError')
  })
})
