import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dueAt } from '../../../src/control/schedules/due.ts'
import { Schedules } from '../../../src/control/schedules/schedules.ts'
import { Queues } from '../../../src/control/queues.ts'
import { DEFAULT_ACCOUNT } from '../../../src/functions/arn.ts'
import type { Store } from '../../../src/store/contract.ts'
import type { ScheduleRecord } from '../../../src/store/records.ts'
import { openSqliteQueues } from '../../../src/store/sqlite/open-queues.ts'
import { openSqlite } from '../../../src/store/sqlite/open.ts'
import { createStore } from '../../../src/store/store.ts'
import { queueDefinition } from '../../store/queue-conformance.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START = Date.UTC(2026, 0, 1)

let folder: string
let store: Store
let queues: Queues
let now: number
let problems: string[]
const opened: Schedules[] = []

function open(): Schedules {
  const schedules = new Schedules({
    store,
    queues,
    events: { added: () => undefined },
    ticks: undefined,
    account: DEFAULT_ACCOUNT,
    taken: new Set(['fn']),
    observe: (record) => problems.push(JSON.stringify(record)),
    uuid: randomUUID,
    now: () => now,
  })
  opened.push(schedules)
  return schedules
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-schedules-'))
  now = START
  problems = []
  store = createStore(await openSqlite(folder))
  queues = new Queues(await openSqliteQueues(join(folder, 'queues'), () => now))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((schedules) => schedules.close()))
  await queues.close()
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

async function define({
  target,
  ...more
}: Partial<Omit<ScheduleRecord, 'target'>> & { target?: Partial<ScheduleRecord['target']> } = {}) {
  const record: ScheduleRecord = {
    name: 'hourly',
    expression: 'cron(0 * * * ? *)',
    timezone: 'UTC',
    startMs: undefined,
    endMs: undefined,
    windowMinutes: 0,
    enabled: true,
    target: {
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:fn',
      role: undefined,
      input: undefined,
      maxAgeSeconds: 86_400,
      ...target,
    },
    missed: 'once',
    deleteWhenOver: false,
    description: undefined,
    createdMs: START,
    modifiedMs: START,
    nextMs: START + HOUR_MS,
    sending: [],
    ...more,
  }
  await store.transact(async (tx) => Promise.resolve(tx.put('schedules', record)))
  return record
}

/** The ticks that are put among the asynchronous invocations, in hours since the start. */
const enqueued = async () => (await store.list('event_invocations')).map(({ tick }) => ((tick?.timeMs ?? 0) - START) / HOUR_MS)

describe('a schedule', () => {
  it('puts each tick among the asynchronous invocations once', async () => {
    await define()
    const schedules = open()
    await schedules.start()
    expect(await enqueued()).toEqual([])
    for (now += HOUR_MS; now <= START + 3 * HOUR_MS; now += HOUR_MS / 2) await schedules.check()
    expect(await enqueued()).toEqual([1, 2, 3])
    expect(await store.list('event_invocations')).toMatchObject([
      { name: 'fn', tick: { schedule: 'hourly', cron: 'cron(0 * * * ? *)', timeMs: START + HOUR_MS } },
      {},
      {},
    ])
  })

  it('does so when two hosts share the store', async () => {
    await define()
    const [first, second] = [open(), open()]
    await Promise.all([first.start(), second.start()])
    for (let hour = 1; hour <= 20; hour++) {
      now = START + hour * HOUR_MS
      await Promise.all([first.check(), second.check()])
    }
    expect(await enqueued()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it.each<[ScheduleRecord['missed'], number[]]>([
    ['once', [5]],
    ['all', [1, 2, 3, 4, 5]],
    ['skip', []],
  ])('runs what was missed while the host was down as its policy %s says', async (missed, expected) => {
    await define({ missed })
    now += 5.5 * HOUR_MS
    const schedules = open()
    await schedules.start()
    expect(await enqueued()).toEqual(expected)
    now = START + 6 * HOUR_MS
    await schedules.check()
    expect(await enqueued()).toEqual([...expected, 6])
  })

  it('forgets what is too old', async () => {
    await define({ missed: 'all', target: { maxAgeSeconds: 7200 } })
    now += 1000 * HOUR_MS
    await open().start()
    expect(await enqueued()).toEqual([998, 999, 1000])
  })

  it('runs at a moment within its time window that is the same for all hosts', async () => {
    const record = await define({ windowMinutes: 30 })
    const schedules = open()
    await schedules.start()
    const at = dueAt(record, START + HOUR_MS)
    expect(at).toBeGreaterThanOrEqual(START + HOUR_MS)
    expect(at).toBeLessThan(START + HOUR_MS + 30 * MINUTE_MS)
    now = at - 1
    await schedules.check()
    expect(await enqueued()).toEqual([])
    now = at
    await schedules.check()
    expect(await enqueued()).toEqual([1])
    const moments = Array.from({ length: 200 }, (_, index) => dueAt(record, START + index * HOUR_MS) - START - index * HOUR_MS)
    expect(Math.min(...moments)).toBeLessThan(3 * MINUTE_MS)
    expect(Math.max(...moments)).toBeGreaterThan(27 * MINUTE_MS)
  })

  it('ends with its dates, and goes when it is over and shall go', async () => {
    await define({ endMs: START + 2 * HOUR_MS, missed: 'all', deleteWhenOver: true })
    now += 10 * HOUR_MS
    await open().start()
    expect(await enqueued()).toEqual([1, 2])
    expect(await store.list('schedules')).toEqual([])
  })

  it('does nothing while it is paused, and runs at once when it is told to', async () => {
    await define({ enabled: false })
    const schedules = open()
    await schedules.start()
    now += 2 * HOUR_MS
    await schedules.check()
    expect(await enqueued()).toEqual([])
    expect(await schedules.run('hourly')).toBe(true)
    expect(await enqueued()).toEqual([2])
    expect(await schedules.run('nowhere')).toBe(false)
  })

  it('runs what became due when the clock jumps, and nothing twice when it jumps back', async () => {
    await define()
    const schedules = open()
    await schedules.start()
    now = START + 3 * HOUR_MS
    await schedules.check()
    now = START + HOUR_MS
    await schedules.check()
    now = START + 3.5 * HOUR_MS
    await schedules.check()
    expect(await enqueued()).toEqual([3])
  })

  it('says so when its function is gone, and goes on', async () => {
    await define({ target: { arn: 'gone' } })
    const schedules = open()
    await schedules.start()
    now += HOUR_MS
    await schedules.check()
    expect(problems.join()).toContain('the schedule hourly is for the function gone, which there is not')
    expect((await store.get('schedules', ['hourly']))?.nextMs).toBe(START + 2 * HOUR_MS)
  })
})

describe('a schedule of a queue', () => {
  const arn = 'arn:aws:sqs:us-east-1:000000000000:ticks'
  const input = '{"at":"<aws.scheduler.scheduled-time>"}'
  const bodies = async () => (await queues.engine.peek('ticks', 10)).map(({ body }) => Buffer.from(body).toString())

  it('sends each tick', async () => {
    await queues.engine.define(queueDefinition('ticks'))
    await define({ target: { arn, input } })
    const schedules = open()
    await schedules.start()
    now += HOUR_MS
    await schedules.check()
    expect(await bodies()).toEqual(['{"at":"2026-01-01T01:00:00Z"}'])
    expect((await store.get('schedules', ['hourly']))?.sending).toEqual([])
  })

  it('sends it later when it could not be sent, also after the host has ended', async () => {
    await queues.engine.define(queueDefinition('ticks'))
    await define({ target: { arn, input } })
    const schedules = open()
    await schedules.start()
    now += HOUR_MS
    vi.spyOn(queues, 'send').mockRejectedValueOnce(new Error('the disk is full'))
    await schedules.check()
    expect(problems.join()).toContain('the disk is full')
    expect(await bodies()).toEqual([])
    await schedules.close()
    await open().start()
    expect(await bodies()).toEqual(['{"at":"2026-01-01T01:00:00Z"}'])
  })
})
