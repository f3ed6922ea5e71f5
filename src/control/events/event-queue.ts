import { AmpouleError } from '../../errors.ts'
import { LATEST } from '../../functions/arn.ts'
import { LambdaError, notFound } from '../../functions/lambda-error.ts'
import type { Observer } from '../../observe/records.ts'
import type { EventInvocationRecord } from '../../store/records.ts'
import type { AcceptedEvent, EventOutcome, TakenEvent } from '../lane-protocol.ts'
import type { Queues } from '../queues.ts'
import { Backlog, type Waiting } from './backlog.ts'
import { deliveriesOf, eventId, settingsOf, type DeliveryOptions } from './deliveries.ts'
import type { Ended } from './invocation-record.ts'
import { expiryOf, retryDelay, type Settings } from './retries.ts'

export interface EventQueueOptions extends DeliveryOptions {
  readonly queues: Queues
  /** Tells lanes that there is something to take. */
  readonly wake: () => Promise<void>
  readonly observe: Observer
  /** What waits and runs of one function at most, and ten times as much of all; more is refused. */
  readonly maxEvents: number
  /** Milliseconds before an event that has failed is run again; then twice as long. */
  readonly retryMs: number
}

/** So many of one function run at a time, in all lanes: those of a slow one do not take up what others need. */
const PARALLEL = 10
/** How long a lane may have an event without a word, longer than any invocation: it has died, and another lane takes the event. */
const LEASE_MS = 16 * 60_000
/** Before what was throttled is tried again; doubled each time. */
const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 60_000
/** Records are read in pages at the start: each may have a megabyte. */
const PAGE = 16

interface Running extends Waiting {
  readonly leaseEndsMs: number
  readonly settings: Settings
  readonly acceptedAt: number
}

/**
 * Asynchronous invocations. States of one: accepted (on disk) -> waiting -> running -> waiting again, or ended (delivered, off disk). It leaves
 * the disk only when it has run, or when what became of it is where its function's owner wants it, so each runs at least once or is told
 * of, whenever the host ends.
 */
export class EventQueue {
  readonly #options: EventQueueOptions
  readonly #backlog = new Backlog()
  readonly #running = new Map<string, Running>()
  /** By function: what runs, or is about to. */
  readonly #slots = new Counts()
  /** By function: being written. */
  readonly #entering = new Counts()
  #timer: NodeJS.Timeout | undefined
  #told = false
  #closed = false

  private constructor(options: EventQueueOptions) {
    this.#options = options
  }

  /** With what a host that has ended left. */
  static async open(options: EventQueueOptions): Promise<EventQueue> {
    const queue = new EventQueue(options)
    let after: readonly [string] | undefined
    for (;;) {
      const page = await options.store.list('event_invocations', { limit: PAGE, ...(after !== undefined && { after }) })
      queue.added(page)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return queue
      after = [last.id]
    }
  }

  /** Resolves when the event is on disk. Throws `TooManyRequestsException` when too many are, and `ResourceNotFoundException`. */
  async accept(event: AcceptedEvent): Promise<void> {
    const { name } = event
    this.#refuseTooMany(name)
    const now = this.#options.now()
    const id = eventId(now, event.requestId)
    const record: EventInvocationRecord = { ...event, id, acceptedAt: now, attempts: 0, lineage: { [name]: 1 } }
    this.#entering.add(name, 1)
    try {
      await this.#options.store.transact(async (tx) => {
        if (!this.#options.taken.has(name) && (await tx.get('functions', [name])) === undefined)
          throw notFound(`Function not found: ${name}:${event.qualifier ?? LATEST}`)
        tx.put('event_invocations', record)
      })
    } finally {
      this.#entering.add(name, -1)
    }
    this.added([record])
  }

  /** After events were put into the store by somebody else. */
  added(records: readonly EventInvocationRecord[]): void {
    const now = this.#options.now()
    for (const { id, name, dueMs = 0 } of records) this.#backlog.add({ id, name, dueMs, deferred: 0 }, now)
    this.wake()
  }

  /** The next one to be run; undefined: there is none now. */
  async take(): Promise<TakenEvent | undefined> {
    this.#told = false
    for (;;) {
      const next = this.#closed ? undefined : this.#backlog.take(this.#options.now(), this.#room)
      if (next === undefined) {
        this.wake()
        return undefined
      }
      const taken = await this.#start(next)
      if (taken !== undefined) return taken
    }
  }

  /** After a lane has tried to run it. */
  async settle(id: string, outcome: EventOutcome): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) return
    this.#running.delete(id)
    try {
      await this.#conclude(running, outcome)
    } catch (error) {
      this.#report(`what became of the event ${id} could not be written: ${String(error)}`)
      this.#defer(running)
    } finally {
      this.#slots.add(running.name, -1)
    }
    this.wake()
  }

  /** Tells lanes when something is due, now or when its time comes. */
  wake(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const now = this.#options.now()
    let earliest = Infinity
    for (const [id, running] of this.#running) {
      if (running.leaseEndsMs <= now) {
        this.#running.delete(id)
        this.#slots.add(running.name, -1)
        this.#backlog.add({ id, name: running.name, dueMs: 0, deferred: 0 }, now)
      } else earliest = Math.min(earliest, running.leaseEndsMs)
    }
    earliest = Math.min(earliest, this.#backlog.dueMs(now, this.#room))
    if (earliest <= now) this.#tell()
    else if (earliest !== Infinity) this.#timer = setTimeout(() => this.wake(), Math.min(earliest - now, MAX_TIMER_MS)).unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #tell(): void {
    if (this.#told) return
    this.#told = true
    this.#options.wake().catch((error: unknown) => {
      this.#told = false
      this.#report(`lanes could not be told of events: ${String(error)}`)
    })
  }

  #refuseTooMany(name: string): void {
    const { maxEvents } = this.#options
    const own = this.#backlog.sizeOf(name) + this.#slots.of(name) + this.#entering.of(name)
    const all = this.#backlog.size + this.#slots.sum + this.#entering.sum
    const full =
      own >= maxEvents ? `${own} of ${name}` : all >= maxEvents * FUNCTIONS_OF_ALL ? `${all} of all functions` : undefined
    if (full === undefined) return
    throw new LambdaError(
      'TooManyRequestsException',
      `${full} asynchronous invocations are waiting or running; the limits are ${maxEvents} of a function and ${maxEvents * FUNCTIONS_OF_ALL} of all (maxAsyncEvents): try again later`,
      { members: { Reason: 'CallerRateLimitExceeded' } },
    )
  }

  /** Undefined: it has gone with its function, or has ended since it is too old. */
  async #start(next: Waiting): Promise<TakenEvent | undefined> {
    const { store, now } = this.#options
    this.#slots.add(next.name, 1)
    let started = false
    try {
      const record = await store.get('event_invocations', [next.id])
      if (record === undefined) return undefined
      const settings = await settingsOf(record, store)
      if (expiryOf(record, settings) <= now()) {
        await this.#end({ event: record, condition: 'EventAgeExceeded', last: undefined }, settings)
        return undefined
      }
      this.#running.set(next.id, { ...next, settings, acceptedAt: record.acceptedAt, leaseEndsMs: now() + LEASE_MS })
      started = true
      return { ...record, answerWanted: settings.onSuccess !== undefined }
    } catch (error) {
      this.#report(`the event ${next.id} could not be taken up: ${String(error)}`)
      this.#defer({ ...next, settings: undefined, acceptedAt: undefined })
      return undefined
    } finally {
      if (!started) this.#slots.add(next.name, -1)
    }
  }

  async #conclude(running: Running, outcome: EventOutcome): Promise<void> {
    if (outcome.kind === 'later') return this.#defer(running)
    const { store, now, retryMs } = this.#options
    const record = await store.get('event_invocations', [running.id])
    if (record === undefined) return
    // They may have been changed while it ran.
    const settings = await settingsOf(record, store)
    const event = { ...record, attempts: record.attempts + 1 }
    const { attempt: last } = outcome
    if (outcome.kind === 'done' && last.functionError === undefined)
      return this.#end({ event, condition: 'Success', last }, settings)
    const delay = outcome.kind === 'refused' ? undefined : retryDelay(event.attempts, settings, retryMs, Math.random())
    if (delay === undefined) return this.#end({ event, condition: 'RetriesExhausted', last }, settings)
    const dueMs = now() + delay
    if (dueMs >= expiryOf(event, settings)) return this.#end({ event, condition: 'EventAgeExceeded', last }, settings)
    await store.transact(async (tx) => {
      // Gone with its function.
      if ((await tx.get('event_invocations', [event.id])) !== undefined) tx.put('event_invocations', { ...event, dueMs })
    })
    this.#backlog.add({ id: event.id, name: event.name, dueMs, deferred: 0 }, now())
  }

  /** Hands on what became of it, then forgets it: whoever is to be told is told at least once. */
  async #end(ended: Ended, settings: Settings): Promise<void> {
    const { store, queues } = this.#options
    const { messages, events, problems } = await deliveriesOf(ended, settings, this.#options)
    for (const problem of problems) this.#report(problem)
    for (const { queue, message } of messages)
      await queues.send(queue, [message]).catch((error: unknown) => {
        if (!(error instanceof AmpouleError) || error.code !== 'QueueNotFound') throw error
        this.#report(`the event ${ended.event.requestId} of ${ended.event.name} is for the queue ${queue}, which there is not`)
      })
    await store.transact(async (tx) => {
      tx.delete('event_invocations', { id: ended.event.id })
      for (const event of events) tx.put('event_invocations', event)
      return Promise.resolve()
    })
    this.added(events)
  }

  /** Again in a while, or when it is too old, so that it ends. */
  #defer({ id, name, deferred, settings, acceptedAt }: Deferred): void {
    const now = this.#options.now()
    const dueMs = now + Math.min(FIRST_DELAY_MS * 2 ** deferred, MAX_DELAY_MS)
    const expires = settings === undefined || acceptedAt === undefined ? Infinity : expiryOf({ acceptedAt }, settings)
    this.#backlog.add({ id, name, dueMs: Math.min(dueMs, expires), deferred: deferred + 1 }, now)
  }

  readonly #room = (name: string): boolean => this.#slots.of(name) < PARALLEL

  #report(message: string): void {
    const { observe, now } = this.#options
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}

type Deferred = Pick<Waiting, 'id' | 'name' | 'deferred'> & {
  readonly settings: Settings | undefined
  readonly acceptedAt: number | undefined
}

/** What one function may have at most, all together may have so many times. */
const FUNCTIONS_OF_ALL = 10
/** The clock may jump meanwhile. */
const MAX_TIMER_MS = 60_000

class Counts {
  readonly #counts = new Map<string, number>()
  #sum = 0

  get sum(): number {
    return this.#sum
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(name: string, change: number): void {
    const next = this.of(name) + change
    this.#sum += change
    if (next === 0) this.#counts.delete(name)
    else this.#counts.set(name, next)
  }
}
