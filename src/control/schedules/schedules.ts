import { parseFunctionReference, type Account } from '../../functions/arn.ts'
import { parseQueueArn } from '../../functions/queue-arn.ts'
import type { Observer } from '../../observe/records.ts'
import type { Store, Transaction } from '../../store/contract.ts'
import type { Tick, TickEngine } from '../../store/ticks.ts'
import type { EventInvocationRecord, Execution, ScheduleRecord } from '../../store/records.ts'
import { uuidOf } from '../../uuid.ts'
import { eventId } from '../events/deliveries.ts'
import type { EventQueue } from '../events/event-queue.ts'
import type { Queues } from '../queues.ts'
import { dueAt, dueTicks, type Due } from './due.ts'
import { payloadOf } from './payload.ts'

export interface SchedulesOptions {
  readonly store: Store
  readonly events: Pick<EventQueue, 'added'>
  readonly queues: Pick<Queues, 'send'>
  /** Where other hosts have the schedules of `ampoule.jsonc`, too. */
  readonly ticks: TickEngine | undefined
  readonly account: Account
  /** Functions of `ampoule.jsonc`: they have no record. */
  readonly taken: ReadonlySet<string>
  readonly observe: Observer
  readonly uuid: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

type Decide = (record: ScheduleRecord) => Due | undefined

/** Pages of the store. */
const PAGE = 100
/** The clock may jump meanwhile. */
const MAX_TIMER_MS = 60_000
/** Before what failed is tried again. */
const RETRY_MS = 5_000

/**
 * Puts the ticks of schedules among the asynchronous invocations, or in the queue that is the target. That a tick is put there, and which one comes
 * next, is written in one transaction: each is put there once, whenever the host ends. A tick for a queue is written down first and then sent, at
 * least once.
 */
export class Schedules {
  readonly #options: SchedulesOptions
  /** By name: when there is something to do. */
  readonly #due = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #checking: Promise<void> | undefined
  #closed = false

  constructor(options: SchedulesOptions) {
    this.#options = options
  }

  /** Takes up all schedules that there are, and ticks that were missed. */
  async start(): Promise<void> {
    let after: readonly [string] | undefined
    for (;;) {
      const page = await this.#options.store.list('schedules', { limit: PAGE, ...(after !== undefined && { after }) })
      for (const record of page) this.#keep(record.name, record)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) break
      after = [last.name]
    }
    await this.check()
    await this.#options.ticks?.take((tick) => this.#take(tick))
  }

  /** After a schedule was created, changed or deleted. */
  async apply(name: string): Promise<void> {
    this.#keep(name, await this.#options.store.get('schedules', [name]))
    this.#arm()
  }

  /** Runs the target of a schedule now, beside its ticks. False: there is no such schedule. */
  async run(name: string): Promise<boolean> {
    let found = false
    await this.#put(name, ({ nextMs }) => {
      found = true
      return { ticks: [this.#options.now()], nextMs }
    })
    return found
  }

  /** Runs what is due. */
  async check(): Promise<void> {
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined
      this.#arm()
    })
    await this.#checking
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#options.ticks?.close()
    await this.#checking
  }

  async #checkAll(): Promise<void> {
    const now = this.#options.now()
    for (const [name, dueMs] of this.#due) {
      if (dueMs > now || this.#closed) continue
      try {
        const decide = (record: ScheduleRecord) => (isDue(record, now) ? dueTicks(record, now) : undefined)
        await this.#put(name, await this.#offer(name, decide))
      } catch (error) {
        this.#due.set(name, now + RETRY_MS)
        this.#report(`the schedule ${name} could not be run and is tried again: ${String(error)}`)
      }
    }
  }

  /** What is left to this host of what is due. Where others have the schedule, too, its ticks go through what they share. */
  async #offer(name: string, decide: Decide): Promise<Decide> {
    const { store, ticks } = this.#options
    if (ticks === undefined) return decide
    const record = await store.get('schedules', [name])
    const due = record?.declared === true ? decide(record) : undefined
    if (due === undefined) return decide
    await ticks.offer(name, due.ticks)
    return ({ nextMs }) => (nextMs === record?.nextMs ? { ...due, ticks: [] } : undefined)
  }

  /** A tick that was offered by any host. False: the schedule is not this host's. */
  async #take({ schedule, tickMs }: Tick): Promise<boolean> {
    let taken = false
    try {
      const decide: Decide = ({ declared, enabled, nextMs }) => {
        taken = declared === true && enabled
        return taken ? { ticks: [tickMs], nextMs } : undefined
      }
      // The same where the tick comes again, so that whoever runs it can tell.
      await this.#put(schedule, decide, () => uuidOf(`${schedule}\n${tickMs}`))
    } catch (error) {
      this.#report(`a tick of the schedule ${schedule} could not be run and comes again: ${String(error)}`)
      throw error
    }
    return taken
  }

  async #put(name: string, decide: Decide, id = this.#options.uuid): Promise<void> {
    const put = await this.#options.store.transact(async (tx) => {
      const record = await tx.get('schedules', [name])
      const due = record === undefined ? undefined : decide(record)
      if (record === undefined || due === undefined) return { record, events: [] }
      const executions = due.ticks.map((tickMs): Execution => ({ id: id(), tickMs }))
      const forQueue = parseQueueArn(record.target.arn, this.#options.account) !== undefined
      const sending = forQueue ? [...record.sending, ...executions] : record.sending
      const next = write({ ...record, nextMs: due.nextMs, sending }, tx)
      const events = forQueue ? [] : await this.#eventsOf(record, executions, tx)
      for (const event of events) tx.put('event_invocations', event)
      return { record: next, events }
    })
    this.#options.events.added(put.events)
    this.#keep(name, put.record === undefined ? undefined : await this.#send(put.record))
  }

  async #eventsOf(
    record: ScheduleRecord,
    executions: readonly Execution[],
    tx: Transaction,
  ): Promise<readonly EventInvocationRecord[]> {
    const { account, now, taken } = this.#options
    const { name, qualifier } = parseFunctionReference(record.target.arn, account)
    if (executions.length > 0 && !taken.has(name) && (await tx.get('functions', [name])) === undefined) {
      this.#report(`the schedule ${record.name} is for the function ${name}, which there is not`)
      return []
    }
    return executions.map((execution, index) => ({
      id: eventId(now(), execution.id, index),
      name,
      qualifier,
      requestId: execution.id,
      payload: payloadOf(record, execution, account),
      clientContext: undefined,
      acceptedAt: now(),
      attempts: 0,
      lineage: { [name]: 1 },
      ...(record.target.input === undefined && {
        tick: { schedule: record.name, cron: record.expression, timeMs: execution.tickMs },
      }),
    }))
  }

  /** What was written down for the queue. Gives the record as it is then. */
  async #send(record: ScheduleRecord): Promise<ScheduleRecord | undefined> {
    const { account, queues, store } = this.#options
    const queue = parseQueueArn(record.target.arn, account)
    if (record.sending.length === 0) return record
    if (queue !== undefined)
      await queues.send(
        queue,
        record.sending.map((execution) => ({ id: execution.id, body: Buffer.from(payloadOf(record, execution, account)) })),
      )
    const sent = new Set(record.sending.map(({ id }) => id))
    return await store.transact(async (tx) => {
      const found = await tx.get('schedules', [record.name])
      if (found === undefined) return undefined
      return write({ ...found, sending: found.sending.filter(({ id }) => !sent.has(id)) }, tx)
    })
  }

  #keep(name: string, record: ScheduleRecord | undefined): void {
    const dueMs = record === undefined ? undefined : dueOf(record)
    if (dueMs === undefined) this.#due.delete(name)
    else this.#due.set(name, dueMs)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#due.size === 0) return
    const earliest = this.#due.values().reduce((least, dueMs) => Math.min(least, dueMs), Infinity)
    const ms = Math.min(Math.max(0, earliest - this.#options.now()), MAX_TIMER_MS)
    this.#timer = setTimeout(() => void this.check(), ms).unref()
  }

  #report(message: string): void {
    const { observe, now } = this.#options
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}

const dueOf = (record: ScheduleRecord): number | undefined =>
  record.sending.length > 0 ? 0 : record.enabled && record.nextMs !== undefined ? dueAt(record, record.nextMs) : undefined

const isDue = (record: ScheduleRecord, now: number): boolean =>
  record.enabled && record.nextMs !== undefined && dueAt(record, record.nextMs) <= now

/** Keeps it, or deletes it where it is over and shall not stay. Undefined: deleted. */
function write(record: ScheduleRecord, tx: Transaction): ScheduleRecord | undefined {
  if (record.nextMs === undefined && record.deleteWhenOver && record.sending.length === 0) {
    tx.delete('schedules', { name: record.name })
    return undefined
  }
  tx.put('schedules', record)
  return record
}
