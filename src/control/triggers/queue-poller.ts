import { setTimeout as pause } from 'node:timers/promises'
import { AmpouleError } from '../../errors.ts'
import type { Account } from '../../functions/arn.ts'
import type { Pattern } from '../../functions/pattern/pattern.ts'
import type { Observer } from '../../observe/records.ts'
import type { ReceivedMessage } from '../../store/queue.ts'
import type { QueueOutcome, TakenBatch } from '../lane-protocol.ts'
import { lineageOf } from '../lineage.ts'
import type { SentAttributes } from '../sent-attributes.ts'
import type { MessageSource } from '../../store/source.ts'
import { troubleOf } from './trouble.ts'
import { isWanted, splitBatch, toQueueMessage } from './queue-batch.ts'

/** What a mapping of a queue to a function asks for. */
export interface QueueMapping {
  readonly uuid: string
  readonly name: string
  readonly qualifier: string | undefined
  readonly queue: string
  readonly batchSize: number
  readonly windowMs: number
  /** Batches at a time. */
  readonly concurrency: number
  /** What Lambda's handlers answer as `batchItemFailures` counts. */
  readonly partial: boolean
  readonly filters: readonly Pattern[]
}

export interface QueuePollerOptions {
  readonly account: Account
  /** There is a batch to take. */
  readonly ready: () => void
  readonly observe: Observer
  readonly uuid: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Batch {
  readonly id: string
  readonly messages: readonly ReceivedMessage[]
  /** When others may have the messages, at the latest: milliseconds since the epoch. */
  readonly endsMs: number
  /** How often it could not be run. */
  deferred: number
}

const WAIT_MS = 20_000
/** At once, for several batches. */
const MOST_RECEIVED = 100
/** After a store that failed, or a queue that is gone. */
const PAUSE_MS = 5_000
/** Before a batch that was throttled is tried again; doubled each time. */
const FIRST_DELAY_MS = 250
const MAX_DELAY_MS = 8_000
/** How long a source is kept for what ran when it was stopped. */
const CLOSE_MS = 60_000
/** For what is under way to the store, before the messages are others' again. */
const MARGIN_MS = 1_000

/** Receives the messages of one queue for one function, in batches, as many at a time as there are messages for, up to the limit. */
export class QueuePoller {
  readonly mapping: QueueMapping
  readonly #source: MessageSource
  readonly #options: QueuePollerOptions
  readonly #ready: Batch[] = []
  readonly #running = new Map<string, Batch>()
  readonly #delayed = new Map<Batch, NodeJS.Timeout>()
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  /** Called when there is room for another batch. */
  #roomy: (() => void) | undefined
  #trouble: string | undefined
  /** What of it stands in the log. */
  #reported: string | undefined

  constructor(mapping: QueueMapping, source: MessageSource, options: QueuePollerOptions) {
    this.mapping = mapping
    this.#source = source
    this.#options = options
    this.#ended = this.#poll()
  }

  /** Why nothing is received; undefined: it is. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Of where its messages come from, in words for everybody. */
  get sourceTrouble(): string | undefined {
    return this.#source.trouble
  }

  /** The next batch to be run. */
  take(): TakenBatch | undefined {
    const batch = this.#ready.shift()
    if (batch === undefined) return undefined
    const { uuid, name, qualifier, queue, partial } = this.mapping
    this.#running.set(batch.id, batch)
    return {
      kind: 'queue',
      id: batch.id,
      mapping: uuid,
      name,
      qualifier,
      queue,
      partial,
      lineage: lineageOf(
        name,
        batch.messages.map(({ attributes }) => (attributes as SentAttributes).lineage),
      ),
      messages: batch.messages.map(toQueueMessage),
    }
  }

  /** What has become of a batch. */
  async settle(id: string, outcome: QueueOutcome): Promise<void> {
    const batch = this.#running.get(id)
    if (batch === undefined) return
    if (outcome.kind === 'later') {
      this.#running.delete(id)
      return this.#defer(batch)
    }
    try {
      await this.#settle(batch, outcome)
    } finally {
      this.#running.delete(id)
      this.#makeRoom()
    }
  }

  /** What is not yet with a function goes back to the queue. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#makeRoom()
    await this.#ended
    for (const timer of this.#delayed.values()) clearTimeout(timer)
    await this.#giveBack([...this.#ready.splice(0), ...this.#delayed.keys()].flatMap(({ messages }) => messages))
    this.#delayed.clear()
    // What runs may still be acknowledged; what is not comes again.
    this.#source.leave([...this.#running.values()].flatMap(({ messages }) => messages.map(({ receipt }) => receipt)))
    if (this.#running.size === 0) await this.#source.close()
    else setTimeout(() => void this.#source.close(), CLOSE_MS).unref()
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#room()
        const messages = await this.#collect()
        this.#trouble = undefined
        this.#reported = undefined
        const wanted = await this.#filter(messages)
        if (signal.aborted) await this.#giveBack(wanted)
        else this.#enqueue(wanted)
      } catch (error) {
        const gone = error instanceof AmpouleError && error.code === 'QueueNotFound'
        // Once, not at each try.
        if (!gone && String(error) !== this.#reported) this.#report(`messages could not be received: ${String(error)}`)
        this.#reported = String(error)
        this.#trouble = gone ? `The queue ${this.mapping.queue} does not exist` : troubleOf(error)
        await pause(PAUSE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** For one batch, or for as many as there is room for where nothing is to be gathered; nothing after a while. */
  async #collect(): Promise<readonly ReceivedMessage[]> {
    const { queue, batchSize, windowMs, concurrency } = this.mapping
    const source = this.#source
    const { signal } = this.#stop
    // Messages of a group have to stay together.
    const batches = windowMs > 0 || queue.endsWith('.fifo') ? 1 : concurrency - this.#underWay
    const limit = Math.max(batchSize, Math.min(batchSize * batches, MOST_RECEIVED))
    const messages = [...(await source.receive({ limit, waitMs: WAIT_MS, signal }))]
    if (windowMs === 0) return messages
    const endMs = performance.now() + windowMs
    while (messages.length > 0 && messages.length < batchSize && !signal.aborted) {
      const waitMs = endMs - performance.now()
      if (waitMs <= 0) break
      messages.push(...(await source.receive({ limit: batchSize - messages.length, waitMs, signal })))
    }
    return messages
  }

  /** Those that no filter wants are done, as in Lambda. */
  async #filter(messages: readonly ReceivedMessage[]): Promise<readonly ReceivedMessage[]> {
    const { queue, filters } = this.mapping
    const { account } = this.#options
    const wanted = messages.filter((message) => isWanted(message, filters, account, queue))
    if (wanted.length < messages.length) {
      const kept = new Set(wanted)
      await this.#source.acknowledge(messages.filter((message) => !kept.has(message)).map(({ receipt }) => receipt))
    }
    return wanted
  }

  #enqueue(messages: readonly ReceivedMessage[]): void {
    for (const part of splitBatch(messages, this.mapping.batchSize)) {
      const endsMs = Math.min(...part.map(({ visibleMs }) => visibleMs))
      this.#ready.push({ id: this.#options.uuid(), messages: part, endsMs, deferred: 0 })
    }
    if (messages.length > 0) this.#options.ready()
  }

  async #settle({ messages }: Batch, { failures }: Extract<QueueOutcome, { readonly kind: 'done' }>): Promise<void> {
    const delays = new Map(failures.map(({ id, delaySeconds }) => [id, delaySeconds]))
    const stopped = new Set<string>()
    const done: string[] = []
    const changes: { receipt: string; visibilityMs: number }[] = []
    for (const { id, group, receipt } of messages) {
      // Behind one of its group that comes again, a message does, too.
      if (delays.has(id) || (group !== undefined && stopped.has(group))) {
        if (group !== undefined) stopped.add(group)
        const delay = delays.get(id)
        if (delay === undefined) this.#source.leave([receipt])
        else changes.push({ receipt, visibilityMs: Math.ceil(delay * 1000) })
      } else done.push(receipt)
    }
    if (done.length > 0) await this.#source.acknowledge(done)
    if (changes.length > 0) await this.#source.changeVisibility(changes)
  }

  /** Again in a while, as long as the messages are not others'. */
  async #defer(batch: Batch): Promise<void> {
    if (this.#stop.signal.aborted) return this.#giveBack(batch.messages)
    const delay = Math.min(FIRST_DELAY_MS * 2 ** batch.deferred, MAX_DELAY_MS)
    if (this.#options.now() + delay + MARGIN_MS > batch.endsMs) return this.#makeRoom()
    batch.deferred++
    const timer = setTimeout(() => {
      this.#delayed.delete(batch)
      this.#ready.push(batch)
      this.#options.ready()
    }, delay)
    this.#delayed.set(batch, timer)
  }

  async #giveBack(messages: readonly ReceivedMessage[]): Promise<void> {
    if (messages.length === 0) return
    const changes = messages.map(({ receipt }) => ({ receipt, visibilityMs: 0 }))
    // Where that fails they come back when their visibility timeout is over.
    await this.#source.changeVisibility(changes).catch(() => undefined)
  }

  /** Resolves when fewer batches are under way than the limit. Those of a lane that has died end with their visibility timeout. */
  async #room(): Promise<void> {
    for (;;) {
      const now = this.#options.now()
      for (const [id, { endsMs }] of this.#running) if (endsMs <= now - MAX_INVOCATION_MS) this.#running.delete(id)
      if (this.#stop.signal.aborted || this.#underWay < this.mapping.concurrency) return
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#roomy = resolve
      const timer = setTimeout(resolve, PAUSE_MS)
      await promise
      clearTimeout(timer)
    }
  }

  get #underWay(): number {
    return this.#ready.length + this.#running.size + this.#delayed.size
  }

  #makeRoom(): void {
    this.#roomy?.()
  }

  #report(message: string): void {
    const { observe, now } = this.#options
    observe({ type: 'host', time: now(), level: 'error', message: `the queue ${this.mapping.queue}: ${message}` })
  }
}

/** Lambda's longest timeout. */
const MAX_INVOCATION_MS = 15 * 60_000
