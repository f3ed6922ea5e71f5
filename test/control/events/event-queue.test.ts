import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudEvent, HTTP } from 'cloudevents'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EventQueue } from '../../../src/control/events/event-queue.ts'
import { retryDelay } from '../../../src/control/events/retries.ts'
import type { EventOutcome } from '../../../src/control/lane-protocol.ts'
import { Queues } from '../../../src/control/queues.ts'
import { Streams } from '../../../src/control/streams.ts'
import { HttpDestinations } from '../../../src/control/events/http-destinations.ts'
import { DEFAULT_ACCOUNT } from '../../../src/functions/arn.ts'
import type { Store } from '../../../src/store/contract.ts'
import type { EventInvokeRecord } from '../../../src/store/records.ts'
import { openSqliteQueues } from '../../../src/store/sqlite/open-queues.ts'
import { openSqliteStreams } from '../../../src/store/sqlite/open-streams.ts'
import { openSqlite } from '../../../src/store/sqlite/open.ts'
import { createStore } from '../../../src/store/store.ts'
import { queueDefinition } from '../../store/queue-conformance.ts'
import { startReceiver, type Received, type Receiver } from './receiver.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let folder: string
let store: Store
let queues: Queues
let streams: Streams
let receiver: Receiver
let now: number
let problems: string[]
let events: EventQueue

const open = () =>
  EventQueue.open({
    store,
    queues,
    streams,
    http: new HttpDestinations([['audit', receiver.url]]),
    account: DEFAULT_ACCOUNT,
    taken: new Set(['fn']),
    wake: () => Promise.resolve(),
    observe: (record) => problems.push(JSON.stringify(record)),
    maxEvents: 3,
    retryMs: MINUTE_MS,
    uuid: randomUUID,
    now: () => now,
  })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-events-'))
  now = Date.UTC(2026, 0, 1)
  problems = []
  store = createStore(await openSqlite(folder))
  queues = new Queues(await openSqliteQueues(join(folder, 'queues'), () => now))
  await queues.engine.define(queueDefinition('failed'))
  streams = new Streams(await openSqliteStreams(join(folder, 'streams'), () => now))
  receiver = await startReceiver()
  events = await open()
})
afterEach(async () => {
  events.close()
  await queues.close()
  await streams.close()
  await store.close()
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

const accept = () =>
  events.accept({ name: 'fn', qualifier: undefined, requestId: randomUUID(), payload: '{"a":1}', clientContext: undefined })

const settings = (more: Partial<EventInvokeRecord>) =>
  store.transact(async (tx) => {
    await Promise.resolve()
    tx.put('event_invoke_configs', {
      name: 'fn',
      qualifier: '$LATEST',
      lastModified: '',
      maximumRetryAttempts: undefined,
      maximumEventAgeSeconds: undefined,
      onSuccess: undefined,
      onFailure: 'arn:aws:sqs:us-east-1:000000000000:failed',
      ...more,
    })
  })

const FAILED: EventOutcome = {
  kind: 'done',
  attempt: { status: 200, version: '$LATEST', functionError: 'Unhandled', payload: '{"errorMessage":"no"}' },
}

const records = async () =>
  (await queues.engine.receive('failed', { limit: 10 })).map(
    ({ body }) => JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>,
  )

async function fail(): Promise<void> {
  const taken = await events.take()
  expect(taken).toBeDefined()
  await events.settle(taken?.id ?? '', FAILED)
}

describe('an asynchronous invocation that fails', () => {
  it('is run again after about one minute and about two, then its record is where it is wanted', async () => {
    await settings({})
    await accept()
    await fail()
    now += 50_000
    expect(await events.take()).toBeUndefined()
    now += 20_000
    await fail()
    now += 100_000
    expect(await events.take()).toBeUndefined()
    now += 35_000
    await fail()
    expect(await events.take()).toBeUndefined()
    expect(await store.list('event_invocations')).toEqual([])
    expect(await records()).toMatchObject([
      {
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
        requestPayload: { a: 1 },
        responsePayload: { errorMessage: 'no' },
      },
    ])
  })

  it('keeps its attempts and its time when the host ends', async () => {
    await settings({ maximumRetryAttempts: 1 })
    await accept()
    await fail()
    events.close()
    events = await open()
    expect(await events.take()).toBeUndefined()
    now += 70_000
    await fail()
    expect(await records()).toMatchObject([{ requestContext: { approximateInvokeCount: 2 } }])
  })

  it('is not run again when it would be too old by then', async () => {
    await settings({ maximumEventAgeSeconds: 60 })
    await accept()
    now += 10_000
    await fail()
    expect(await records()).toMatchObject([{ requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 1 } }])
  })

  it('is not run again when its record could not be kept, which is tried again, also by the next host', async () => {
    await settings({ maximumRetryAttempts: 0 })
    await accept()
    vi.spyOn(queues.engine, 'send').mockRejectedValueOnce(new Error('the disk is full'))
    await fail()
    expect(problems.join()).toContain('the disk is full')
    events.close()
    events = await open()
    now += 2_000
    expect(await events.take()).toBeUndefined()
    await vi.waitFor(async () => expect(await store.list('event_invocations')).toEqual([]))
    expect(await records()).toMatchObject([{ requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 } }])
  })

  it('leaves its record in a stream', async () => {
    await streams.engine.create({ name: 'log', retentionMs: HOUR_MS, attributes: {} }, 1)
    await settings({ maximumRetryAttempts: 0, onFailure: 'arn:aws:kinesis:us-east-1:000000000000:stream/log' })
    await accept()
    await fail()
    const { records: kept } = await streams.engine.read('log', { shard: 0, after: 0, limit: 10, maxBytes: 100_000 })
    expect(kept.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as object)).toMatchObject([
      { requestContext: { condition: 'RetriesExhausted' }, requestPayload: { a: 1 } },
    ])
  })

  it('ends where its destination is gone, and the host says so', async () => {
    await settings({ maximumRetryAttempts: 0 })
    await queues.engine.remove('failed')
    await accept()
    await fail()
    expect(await store.list('event_invocations')).toEqual([])
    expect(problems.join()).toContain('is for the queue failed, which there is not')
  })
})

describe('an HTTP destination', () => {
  const posted = async (status: number) => {
    receiver.status = status
    const before = receiver.received.length
    expect(await events.take()).toBeUndefined()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(before + 1))
  }
  beforeEach(async () => {
    await settings({ maximumRetryAttempts: 0, onFailure: 'arn:aws:events:us-east-1:000000000000:api-destination/audit' })
    await accept()
    await fail()
  })

  it('gets a CloudEvent with the record', async () => {
    await posted(202)
    const [{ headers, body }] = receiver.received as [Received]
    expect(headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
    })
    const event = HTTP.toEvent({ headers, body }) as CloudEvent
    expect(event).toMatchObject({
      specversion: '1.0',
      type: 'ampoule.invocation.failure',
      source: 'arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST',
      datacontenttype: 'application/json',
      data: { requestContext: { condition: 'RetriesExhausted', requestId: event.id }, requestPayload: { a: 1 } },
    })
    await vi.waitFor(async () => expect(await store.list('event_invocations')).toEqual([]))
  })

  it('is asked again later while it fails, also by the next host, and the function is not run again', async () => {
    await posted(503)
    await vi.waitFor(() => expect(problems.join()).toContain('answers with 503'))
    events.close()
    events = await open()
    now += 70_000
    await posted(204)
    await vi.waitFor(async () => expect(await store.list('event_invocations')).toEqual([]))
    expect(receiver.received).toHaveLength(2)
  })

  it.each([404, 302])('that answers with %i is not asked again, and the host says so', async (status) => {
    await posted(status)
    await vi.waitFor(async () => expect(await store.list('event_invocations')).toEqual([]))
    expect(problems.join()).toContain(`is for the HTTP destination audit, but it answers with ${status}`)
    expect(receiver.received).toHaveLength(1)
  })

  it('that never takes it is given up after an hour, or when the event is too old', async () => {
    await posted(500)
    await vi.waitFor(() => expect(problems.join()).toContain('tried again'))
    now += 6 * HOUR_MS
    await vi.waitFor(async () => {
      expect(await events.take()).toBeUndefined()
      expect(await store.list('event_invocations')).toEqual([])
    })
    expect(problems.join()).toContain('is dropped')
  })
})

describe('an asynchronous invocation that cannot be run', () => {
  it('waits without counting it as an attempt, and ends when it is too old', async () => {
    await settings({})
    await accept()
    for (const end = now + 6 * HOUR_MS; now < end; now += 2 * MINUTE_MS) {
      const taken = await events.take()
      expect(taken?.attempts).toBe(0)
      await events.settle(taken?.id ?? '', { kind: 'later' })
    }
    expect(await events.take()).toBeUndefined()
    expect(await records()).toMatchObject([{ requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 0 } }])
  })

  it('is taken by another lane when one has died with it', async () => {
    await accept()
    const first = await events.take()
    now += 17 * MINUTE_MS
    events.wake()
    expect((await events.take())?.id).toBe(first?.id)
  })

  it('is refused when too many wait or run', async () => {
    await accept()
    await accept()
    await events.take()
    await accept()
    await expect(accept()).rejects.toMatchObject({
      type: 'TooManyRequestsException',
      message: expect.stringContaining('the limits are 3 of a function and 30 of all (maxAsyncEvents)') as string,
    })
  })
})

describe('the time before a retry', () => {
  it('is around one minute, then around two, and never after as many as are wanted', () => {
    const none = {
      maximumRetryAttempts: undefined,
      maximumEventAgeSeconds: undefined,
      onSuccess: undefined,
      onFailure: undefined,
    }
    expect([0, 0.5, 1].map((random) => retryDelay(1, none, MINUTE_MS, random))).toEqual([54_000, 60_000, 66_000])
    expect([0, 0.5, 1].map((random) => retryDelay(2, none, MINUTE_MS, random))).toEqual([108_000, 120_000, 132_000])
    expect(retryDelay(3, none, MINUTE_MS, 0)).toBeUndefined()
    expect(retryDelay(1, { ...none, maximumRetryAttempts: 0 }, MINUTE_MS, 0)).toBeUndefined()
  })
})
