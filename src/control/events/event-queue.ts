import { LATEST } from '../../functions/arn.ts'
import { LambdaError, notFound } from '../../functions/lambda-error.ts'
import type { Observer } from '../../observe/records.ts'
import type { EventInvocationRecord } from '../../store/records.ts'
import type { AcceptedEvent, EventOutcome, TakenEvent } from '../lane-protocol.ts'
import type { Queues } from '../queues.ts'
import type { Streams } from '../streams.ts'
import { unlessGone } from '../unless-gone.ts'
import { Backlog, type Waiting } from './backlog.ts'
import { deliveriesOf, eventId, NOTHING, settingsOf, type Deliveries, type DeliveryOptions } from './deliveries.ts'
import type { HttpDestinations } from './http-destinations.ts'
import type { Ended } from './invocation-record.ts'
import { expiryOf, retryDelay, type Settings } from './retries.ts'

export interface EventQueueOptions extends DeliveryOptions {
  readonly queues: Queues
  readonly streams: Streams
  readonly http: HttpDestinations
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
/** So long, at least, it is tried to hand on what became of an event. */
const TELLING_MS = 60 * 60_000
/** Records are read in pages at the start: each may have a megabyte. */
const PAGE = 16

interface Running extends Waiting {
  readonly leaseEndsMs: number
  /** When it is too old. */
  readonly until: number
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
  accept(event: AcceptedEvent): Promise<void> {
    return this.acceptAll([event])
  }

  /** All or none. */
  async acceptAll(accepted: readonly AcceptedEvent[]): Promise<void> {
    if (accepted.length === 0) return
    const entered: string[] = []
    const now = this.#options.now()
    // In their order also where they have one time.
    const records = accepted.map((event, index): EventInvocationRecord => ({
      ...event,
      id: eventId(now, event.requestId, index),
      acceptedAt: now,
      attempts: 0,
      lineage: { [event.name]: 1 },
    }))
    try {
      for (const { name } of accepted) {
        this.#refuseTooMany(name)
        this.#entering.add(name, 1)
        entered.push(name)
      }
      await this.#options.store.transact(async (tx) => {
        for (const record of records) {
          const { name, qualifier } = record
          if (!this.#options.taken.has(name) && (await tx.get('functions', [name])) === undefined)
            throw notFound(`Function not found: ${name}:${qualifier ?? LATEST}`)
          tx.put('event_invocations', record)
        }
      })
    } finally {
      for (const name of entered) this.#entering.add(name, -1)
    }
    this.added(records)
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
    if (earliest <= now) this.#tellLanes()
    else if (earliest !== Infinity) this.#timer = setTimeout(() => this.wake(), Math.min(earliest - now, MAX_TIMER_MS)).unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#options.http.close()
  }

  #tellLanes(): void {
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
      if (record.ended !== undefined) {
        started = true
        void this.#tellAgain(next, record, record.ended).finally(() => {
          this.#slots.add(next.name, -1)
          this.wake()
        })
        return undefined
      }
      const settings = await settingsOf(record, store)
      if (expiryOf(record, settings) <= now()) {
        await this.#end({ event: record, condition: 'EventAgeExceeded', last: undefined }, settings)
        return undefined
      }
      this.#running.set(next.id, { ...next, until: expiryOf(record, settings), leaseEndsMs: now() + LEASE_MS })
      started = true
      return { ...record, answerWanted: settings.onSuccess !== undefined }
    } catch (error) {
      this.#report(`the event ${next.id} could not be taken up: ${String(error)}`)
      this.#defer({ ...next, until: undefined })
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

  /**
   * Tells whoever is to be told what became of it, then forgets it. What takes long, or cannot be done now, is tried from the disk, so that the
   * function is not run again for it.
   */
  async #end(ended: Ended, settings: Settings): Promise<void> {
    const deliveries = await deliveriesOf(ended, settings, this.#options)
    if (deliveries.posts.length > 0) return await this.#tellLater(ended, settings, 0)
    try {
      await this.#tell(ended, deliveries)
    } catch (error) {
      this.#report(`what became of ${nameOf(ended)} could not be handed on and is tried again: ${String(error)}`)
      await this.#tellLater(ended, settings, FIRST_DELAY_MS)
    }
  }

  async #tellLater({ event, condition, last }: Ended, settings: Settings, delayMs: number): Promise<void> {
    const { store, now } = this.#options
    const untilMs = Math.max(expiryOf(event, settings), now() + TELLING_MS)
    await store.transact(async (tx) => {
      if ((await tx.get('event_invocations', [event.id])) !== undefined)
        tx.put('event_invocations', { ...event, ended: { condition, last, untilMs }, dueMs: now() + delayMs })
    })
    this.#backlog.add({ id: event.id, name: event.name, dueMs: now() + delayMs, deferred: 0 }, now())
    this.wake()
  }

  /** One more attempt for an event of which somebody is still to be told. */
  async #tellAgain(next: Waiting, event: EventInvocationRecord, { condition, last, untilMs }: Untold): Promise<void> {
    const { store, now } = this.#options
    const ended: Ended = { event, condition, last }
    try {
      const settings = await settingsOf(event, store)
      await this.#tell(ended, await deliveriesOf(ended, settings, this.#options))
    } catch (error) {
      if (this.#closed) return
      if (now() < untilMs) {
        // Once, not at each try.
        if (next.deferred === 0)
          this.#report(`what became of ${nameOf(ended)} could not be handed on and is tried again: ${String(error)}`)
        return this.#defer({ ...next, until: untilMs })
      }
      this.#report(`what became of ${nameOf(ended)} could not be handed on and is dropped: ${String(error)}`)
      await this.#tell(ended, NOTHING).catch(() => this.#defer({ ...next, until: undefined }))
    }
  }

  async #tell(ended: Ended, { posts, messages, records, events, problems }: Deliveries): Promise<void> {
    const { store, queues, streams, http } = this.#options
    for (const problem of problems) this.#report(problem)
    for (const { destination, event } of posts) {
      const refusal = await http.post(destination, event)
      if (refusal !== undefined) this.#report(`${nameOf(ended)} is for the HTTP destination ${destination}, but ${refusal}`)
    }
    for (const { queue, message } of messages)
      await queues.send(queue, [message]).catch(this.#unlessGone(`${nameOf(ended)} is for the queue ${queue}`))
    for (const { stream, record } of records)
      await streams.append(stream, [record]).catch(this.#unlessGone(`${nameOf(ended)} is for the stream ${stream}`))
    await store.transact(async (tx) => {
      tx.delete('event_invocations', { id: ended.event.id })
      for (const event of events) tx.put('event_invocations', event)
      return Promise.resolve()
    })
    this.added(events)
  }

  #unlessGone(what: string): (error: unknown) => void {
    return unlessGone(() => this.#report(`${what}, which there is not`))
  }

  /** Again in a while, or when it is too old, so that it ends. */
  #defer({ id, name, deferred, until = Infinity }: Deferred): void {
    const now = this.#options.now()
    const dueMs = now + Math.min(FIRST_DELAY_MS * 2 ** deferred, MAX_DELAY_MS)
    this.#backlog.add({ id, name, dueMs: Math.min(dueMs, until), deferred: deferred + 1 }, now)
  }

  readonly #room = (name: string): boolean => this.#slots.of(name) < PARALLEL

  #report(message: string): void {
    const { observe, now } = this.#options
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}

type Untold = NonNullable<EventInvocationRecord['ended']>

const nameOf = ({ event }: Ended): string => `the event ${event.requestId} of ${event.name}`

type Deferred = Pick<Waiting, 'id' | 'name' | 'deferred'> & {
  /** When something else is to be done: milliseconds since the epoch. */
  readonly until: number | undefined
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
