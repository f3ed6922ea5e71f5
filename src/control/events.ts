import type { Observer } from '../observe/records.ts'
import { LATEST } from '../functions/arn.ts'
import { LambdaError, notFound } from '../functions/lambda-error.ts'
import type { Store } from '../store/contract.ts'
import type { EventInvocationRecord } from '../store/records.ts'
import type { AcceptedEvent, TakenEvent } from './lane-protocol.ts'

export interface EventQueueOptions {
  readonly store: Store
  /** Functions of `ampoule.jsonc`: they have no record. */
  readonly taken: ReadonlySet<string>
  /** Tells lanes that there is something to take. */
  readonly wake: () => Promise<void>
  readonly observe: Observer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What waits and runs of one function, and of all; more is refused. */
export const MAX_EVENTS_OF_FUNCTION = 1_000
export const MAX_EVENTS = 10_000
/** So many of one function run at a time, in all lanes: those of a slow one do not take up what others need. */
const PARALLEL = 10
/** How long a lane may have an event without a word, longer than any invocation: it has died, and another lane takes the event. */
const LEASE_MS = 16 * 60_000
/** Before what was throttled is tried again; doubled each time. */
const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 60_000
/** Records are read in pages at the start: each may have a megabyte. */
const PAGE = 16

interface Waiting {
  readonly id: string
  readonly dueMs: number
  /** How often it could not be run. */
  readonly deferred: number
}

interface Running extends Waiting {
  readonly name: string
  readonly leaseEndsMs: number
}

/**
 * Asynchronous invocations. States of one: accepted (on disk) -> waiting -> running -> done (off disk), or back to waiting where it could not be
 * run. It leaves the disk only when it has run, so each runs at least once, whenever the host ends.
 */
export class EventQueue {
  readonly #options: EventQueueOptions
  /** By function; in order. Functions take turns in the order of this map. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #running = new Map<string, Running>()
  /** Being written, by function. */
  readonly #entering = new Map<string, number>()
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
      for (const { id, name } of page) queue.#wait(name, { id, dueMs: 0, deferred: 0 })
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) break
      after = [last.id]
    }
    return queue
  }

  /** Resolves when the event is on disk. Throws `TooManyRequestsException` when too many are, and `ResourceNotFoundException`. */
  async accept(event: AcceptedEvent): Promise<void> {
    const { name } = event
    this.#refuseTooMany(name)
    const now = this.#options.now()
    // Keys are in the order of time.
    const id = `${String(now).padStart(16, '0')}-${event.requestId}`
    const record: EventInvocationRecord = { ...event, id, acceptedAt: now, attempts: 0 }
    this.#entering.set(name, (this.#entering.get(name) ?? 0) + 1)
    try {
      await this.#options.store.transact(async (tx) => {
        if (!this.#options.taken.has(name) && (await tx.get('functions', [name])) === undefined)
          throw notFound(`Function not found: ${name}:${event.qualifier ?? LATEST}`)
        tx.put('event_invocations', record)
      })
    } finally {
      this.#entering.set(name, (this.#entering.get(name) ?? 1) - 1)
    }
    this.#wait(name, { id, dueMs: 0, deferred: 0 })
    this.wake()
  }

  /** The next one to be run; undefined: there is none now. */
  async take(): Promise<TakenEvent | undefined> {
    this.#told = false
    for (;;) {
      const next = this.#closed ? undefined : this.#next()
      if (next === undefined) {
        this.wake()
        return undefined
      }
      const record = await this.#options.store.get('event_invocations', [next.id])
      if (record !== undefined) return record
      // Gone with its function.
      this.#running.delete(next.id)
    }
  }

  /** `done`: it has run. `later`: it could not be run, and is tried again. */
  async settle(id: string, outcome: 'done' | 'later'): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) return
    if (outcome === 'done')
      await this.#options.store.transact(async (tx) => Promise.resolve(tx.delete('event_invocations', { id })))
    this.#running.delete(id)
    if (outcome === 'later') {
      const delay = Math.min(FIRST_DELAY_MS * 2 ** running.deferred, MAX_DELAY_MS)
      this.#wait(running.name, { id, dueMs: this.#options.now() + delay, deferred: running.deferred + 1 })
    }
    this.wake()
  }

  /** Tells lanes when something is due, now or when its time comes. */
  wake(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const now = this.#options.now()
    for (const { id, name, leaseEndsMs } of this.#running.values())
      if (leaseEndsMs <= now) {
        this.#running.delete(id)
        this.#wait(name, { id, dueMs: 0, deferred: 0 })
      }
    let earliest = Infinity
    for (const [name, events] of this.#waiting) {
      if (this.#runningOf(name) >= PARALLEL) continue
      for (const { dueMs } of events) {
        earliest = Math.min(earliest, dueMs)
        if (earliest <= now) break
      }
    }
    if (earliest <= now) {
      if (this.#told) return
      this.#told = true
      this.#options.wake().catch((error: unknown) => {
        this.#told = false
        const message = `lanes could not be told of events: ${String(error)}`
        this.#options.observe({ type: 'host', time: this.#options.now(), level: 'error', message })
      })
      return
    }
    for (const { leaseEndsMs } of this.#running.values()) earliest = Math.min(earliest, leaseEndsMs)
    if (earliest !== Infinity) this.#timer = setTimeout(() => this.wake(), earliest - now).unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #refuseTooMany(name: string): void {
    const own = (this.#waiting.get(name)?.length ?? 0) + this.#runningOf(name) + (this.#entering.get(name) ?? 0)
    const waiting = this.#waiting.values().reduce((sum, { length }) => sum + length, 0)
    const all = waiting + this.#running.size + this.#entering.values().reduce((sum, count) => sum + count, 0)
    const full = own >= MAX_EVENTS_OF_FUNCTION ? `${own} of ${name}` : all >= MAX_EVENTS ? `${all} of all functions` : undefined
    if (full === undefined) return
    throw new LambdaError(
      'TooManyRequestsException',
      `${full} asynchronous invocations are waiting or running; the limits are ${MAX_EVENTS_OF_FUNCTION} of a function and ${MAX_EVENTS} of all: try again later`,
      { members: { Reason: 'CallerRateLimitExceeded' } },
    )
  }

  #wait(name: string, event: Waiting): void {
    const own = this.#waiting.get(name)
    if (own === undefined) this.#waiting.set(name, [event])
    else own.push(event)
  }

  #next(): Running | undefined {
    const now = this.#options.now()
    for (const [name, events] of this.#waiting) {
      if (this.#runningOf(name) >= PARALLEL) continue
      const at = events.findIndex(({ dueMs }) => dueMs <= now)
      const found = events[at]
      if (found === undefined) continue
      events.splice(at, 1)
      // To the end of the turns.
      this.#waiting.delete(name)
      if (events.length > 0) this.#waiting.set(name, events)
      const running = { ...found, name, leaseEndsMs: now + LEASE_MS }
      this.#running.set(found.id, running)
      return running
    }
    return undefined
  }

  #runningOf(name: string): number {
    let count = 0
    for (const running of this.#running.values()) if (running.name === name) count++
    return count
  }
}
