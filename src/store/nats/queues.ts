import { Kvm } from '@nats-io/kv'
import { nanos, type Msg } from '@nats-io/transport-node'
import { AckPolicy, RetentionPolicy, StorageType, type ConsumerInfo } from '@nats-io/jetstream'
import { AmpouleError } from '../../errors.ts'
import { DEDUPLICATION_MS, type NewMessage, type PeekedMessage, type QueueDefinition, type QueueEngine } from '../queue.ts'
import type { QueueStats, ReceivedMessage, ReceiveOptions, SentMessage, VisibilityChange } from '../queue.ts'
import type { Nats } from './connection.ts'
import { Definitions } from './definitions.ts'
import { unlessGone } from './errors.ts'
import { Hints } from './hints.ts'
import { headersOf, readDelivery, readMessage, readReceipt, receiptOf, type Delivery } from './message.ts'
import type { Publication } from './publisher.ts'
import { pull } from './pull.ts'
import { put } from './put.ts'

const NAME = 'NATS'
/** What all hosts know of queues: a key-value bucket, by name. */
const BUCKET = 'ampoule-queues'
/** Of a queue's messages. */
const streamOf = (name: string): string => `ampoule-queue-${name}`
const subjectOf = (name: string): string => `ampoule.queue.${name}`
/** One for all receivers of a queue: each message goes to one of them. */
const CONSUMER = 'receivers'
/** Hints that there is something in a queue; kept nowhere. */
const WAKE = 'ampoule.wake.'
/** Messages of a queue that can be with receivers at once: SQS's limit. */
const MOST_IN_FLIGHT = 120_000
/** How long what `move` could not move stays out of its way. */
const UNMOVED_MS = 30_000
/** Receipts whose time was changed; older ones are swept beyond so many. */
const SWEEP = 10_000

interface Taken {
  readonly message: Msg
  readonly delivery: Delivery
  readonly read: PeekedMessage
}

/** Queues in NATS JetStream, which several hosts can share: a work-queue stream for each, with one durable pull consumer. `now`: milliseconds since the epoch. */
export class NatsQueues implements QueueEngine {
  readonly name = NAME
  readonly capabilities = { delay: false, fifo: false, receipts: false }
  readonly #nats: Nats
  readonly #hints: Hints
  readonly #definitions: Definitions<QueueDefinition>
  readonly #now: () => number
  /** Until when, by receipt, where it is no longer as the receipt says. */
  readonly #changed = new Map<string, number>()

  private constructor(nats: Nats, definitions: Definitions<QueueDefinition>, now: () => number) {
    this.#nats = nats
    this.#hints = new Hints(nats.connection, WAKE)
    this.#definitions = definitions
    this.#now = now
  }

  static async open(nats: Nats, now: () => number): Promise<NatsQueues> {
    const bucket = await new Kvm(nats.js).create(BUCKET, { replicas: nats.replicas })
    return new NatsQueues(nats, await Definitions.open<QueueDefinition>(bucket), now)
  }

  get trouble(): string | undefined {
    return this.#nats.trouble
  }

  async define(definition: QueueDefinition): Promise<void> {
    const { name, fifo, delayMs, deadLetter, retentionMs, visibilityMs } = definition
    if (fifo) throw refusal(`FIFO queues: the queue ${name} cannot be one`)
    if (delayMs > 0) throw refusal(`delayed messages: the queue ${name} cannot have a delay of ${delayMs} ms`)
    if (deadLetter?.queue === name)
      throw new AmpouleError('InvalidRequest', `the queue ${name} cannot be its own dead-letter queue`)
    await this.#nats.ask(async () => {
      if (deadLetter !== undefined) await this.#require(deadLetter.queue)
      const { jsm, replicas } = this.#nats
      const stream = streamOf(name)
      const shape = {
        max_age: nanos(retentionMs),
        duplicate_window: nanos(Math.min(DEDUPLICATION_MS, retentionMs)),
        num_replicas: replicas,
        allow_direct: true,
      }
      const subjects = [subjectOf(name)]
      await put(
        () =>
          jsm.streams.add({ name: stream, subjects, retention: RetentionPolicy.Workqueue, storage: StorageType.File, ...shape }),
        () => jsm.streams.update(stream, shape),
      )
      const receivers = { ack_wait: nanos(Math.max(1, visibilityMs)), max_ack_pending: MOST_IN_FLIGHT }
      await put(
        () =>
          jsm.consumers.add(stream, { durable_name: CONSUMER, ack_policy: AckPolicy.Explicit, max_deliver: -1, ...receivers }),
        () => jsm.consumers.update(stream, CONSUMER, receivers),
      )
      await this.#definitions.put(name, definition)
    })
  }

  definition(name: string): Promise<QueueDefinition | undefined> {
    return this.#nats.ask(() => this.#definitions.find(name))
  }

  definitions({ after = '', limit = Infinity }: { readonly after?: string; readonly limit?: number } = {}): Promise<
    QueueDefinition[]
  > {
    const names = this.#definitions.names.filter((name) => name > after).toSorted()
    return Promise.resolve(names.slice(0, limit).flatMap((name) => this.#definitions.known(name) ?? []))
  }

  async remove(name: string): Promise<boolean> {
    return this.#nats.ask(async () => {
      const there = (await this.#definitions.find(name)) !== undefined
      // The messages first: what is left of a host that ends here is a queue without any, which can be removed again.
      if (there) await this.#nats.jsm.streams.delete(streamOf(name)).catch(unlessGone)
      await this.#definitions.remove(name)
      return there
    })
  }

  async send(name: string, messages: readonly NewMessage[]): Promise<readonly SentMessage[]> {
    for (const { group, delayMs = 0 } of messages) {
      if (group !== undefined) throw new AmpouleError('InvalidRequest', `${name} is no FIFO queue: its messages have no group`)
      if (delayMs > 0) throw refusal(`delayed messages: a message of the queue ${name} cannot have a delay of ${delayMs} ms`)
    }
    return this.#nats.ask(async () => {
      await this.#require(name)
      const sequences = await this.#publish(
        name,
        messages.map(({ id, body, attributes }) => ({ data: body, headers: headersOf({ id, attributes }) })),
      )
      this.#hints.tell(name)
      return messages.map(({ id }, index) => ({ id, sequence: sequences[index] ?? 0 }))
    })
  }

  async receive(name: string, { limit, visibilityMs }: ReceiveOptions): Promise<readonly ReceivedMessage[]> {
    return this.#nats.ask(async () => {
      const queue = await this.#require(name)
      const { deadLetter } = queue
      const taken: Taken[] = []
      while (taken.length < limit) {
        const pulled = await this.#pull(name, limit - taken.length)
        const dead = pulled.filter(({ read }) => deadLetter !== undefined && read.receives > deadLetter.maxReceives)
        const moved = new Set(dead.length === 0 ? [] : await this.#moveAll(name, dead, deadLetter?.queue, name))
        // Those whose dead-letter queue is gone go on being received.
        taken.push(...pulled.filter((one) => !moved.has(one)))
        if (dead.length === 0) break
      }
      const nowMs = this.#now()
      const visible = visibilityMs ?? queue.visibilityMs
      const visibleMs = nowMs + Math.max(1, visible)
      if (visible !== queue.visibilityMs) for (const { message } of taken) this.#putOff(message.reply ?? '', visible)
      return taken.map(({ read, delivery }) => ({
        ...read,
        receipt: receiptOf(delivery, visibleMs),
        firstReceivedMs: nowMs,
        visibleMs,
      }))
    })
  }

  async acknowledge(name: string, receipts: readonly string[]): Promise<readonly boolean[]> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      const read = receipts.map((receipt) => readReceipt(receipt, streamOf(name), CONSUMER))
      for (const receipt of read) if (receipt !== undefined) this.#acknowledge(receipt.subject)
      await this.#flush()
      return read.map((receipt) => receipt !== undefined)
    })
  }

  async changeVisibility(name: string, changes: readonly VisibilityChange[]): Promise<readonly boolean[]> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      const nowMs = this.#now()
      const changed = changes.map(({ receipt, visibilityMs }) => {
        const read = readReceipt(receipt, streamOf(name), CONSUMER)
        // Someone else may have it.
        if (read === undefined || (this.#changed.get(receipt) ?? read.untilMs) <= nowMs) return false
        this.#putOff(read.subject, visibilityMs)
        this.#changed.set(receipt, nowMs + visibilityMs)
        return true
      })
      if (this.#changed.size > SWEEP)
        for (const [receipt, untilMs] of this.#changed) if (untilMs <= nowMs) this.#changed.delete(receipt)
      await this.#flush()
      return changed
    })
  }

  async peek(name: string, limit: number): Promise<readonly PeekedMessage[]> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      const { ack_floor: done } = await this.#consumer(name)
      const found: PeekedMessage[] = []
      for (let next = done.stream_seq + 1; found.length < limit;) {
        const message = await this.#messageFrom(name, next)
        if (message === undefined) break
        next = message.sequence + 1
        found.push(message)
      }
      return found
    })
  }

  async purge(name: string): Promise<number> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      return (await this.#nats.jsm.streams.purge(streamOf(name)).catch(missing(name))).purged
    })
  }

  async stats(name: string): Promise<QueueStats> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      // A server that was killed has messages again that were acknowledged, until they are too old. The consumer knows of it.
      const { num_pending: visible, num_ack_pending: inFlight, ack_floor: done } = await this.#consumer(name)
      const oldest = visible + inFlight === 0 ? undefined : await this.#messageFrom(name, done.stream_seq + 1)
      return { visible, inFlight, delayed: 0, oldestSentMs: oldest?.sentMs }
    })
  }

  async move(name: string, to: string | undefined, limit: number): Promise<number> {
    return this.#nats.ask(async () => {
      await this.#require(name)
      const pulled = await this.#pull(name, limit)
      const moved = new Set(await this.#moveAll(name, pulled, to, undefined))
      for (const one of pulled) if (!moved.has(one)) this.#putOff(one.delivery.subject, UNMOVED_MS)
      await this.#flush()
      return moved.size
    })
  }

  watch(told: (name: string) => void): void {
    this.#hints.watch(told)
  }

  /** The connection is its opener's. */
  close(): Promise<void> {
    this.#hints.close()
    return Promise.resolve()
  }

  async #require(name: string): Promise<QueueDefinition> {
    const found = await this.#definitions.find(name)
    if (found === undefined) throw notFound(name)
    return found
  }

  #consumer(name: string): Promise<ConsumerInfo> {
    return this.#nats.jsm.consumers.info(streamOf(name), CONSUMER).catch(missing(name))
  }

  /** The first message from this sequence on. */
  async #messageFrom(name: string, sequence: number): Promise<PeekedMessage | undefined> {
    const stream = streamOf(name)
    const query = { seq: sequence, next_by_subj: subjectOf(name) }
    const stored = await this.#nats.jsm.direct.getMessage(stream, query).catch(unlessGone)
    if (stored === null || stored === undefined) return undefined
    const place = { stream, sequence: stored.seq, storedMs: stored.time.getTime(), receives: 0 }
    return readMessage({ headers: stored.header, data: stored.data }, place)
  }

  /** The sequences of what is on disk then. */
  async #publish(name: string, messages: readonly Omit<Publication, 'subject'>[]): Promise<readonly number[]> {
    const subject = subjectOf(name)
    const published = await this.#nats.publisher.publish(messages.map((message) => ({ ...message, subject })))
    if (published === undefined) {
      await this.#checkThere(name)
      throw new Error('its stream is gone')
    }
    return published
  }

  async #pull(name: string, limit: number): Promise<readonly Taken[]> {
    const stream = streamOf(name)
    const pulled = await pull(this.#nats.connection, { stream, consumer: CONSUMER, limit })
    if (pulled === undefined) await this.#checkThere(name)
    return (pulled ?? []).flatMap((message) => {
      const delivery = readDelivery(message.reply ?? '', stream, CONSUMER)
      return delivery === undefined ? [] : [{ message, delivery, read: readMessage(message, { stream, ...delivery }) }]
    })
  }

  /** Those that were moved: each is in its new queue before it leaves this one, and there once. */
  async #moveAll(
    name: string,
    taken: readonly Taken[],
    to: string | undefined,
    source: string | undefined,
  ): Promise<readonly Taken[]> {
    const moved = await Promise.all(
      taken.map(async (one) => {
        const { read, delivery, message } = one
        const target = to ?? read.source
        if (target === undefined || (await this.#definitions.find(target)) === undefined) return []
        const { id, attributes, sentMs } = read
        const key = `${name}:${read.sequence}:${id}`
        const headers = headersOf({ id, attributes, sentMs, key, ...(source !== undefined && { source }) })
        await this.#publish(target, [{ data: message.data, headers }])
        this.#acknowledge(delivery.subject)
        this.#hints.tell(target)
        return [one]
      }),
    )
    return moved.flat()
  }

  #acknowledge(subject: string): void {
    this.#nats.connection.publish(subject, '+ACK')
  }

  /** Others get it in so many milliseconds from now. */
  #putOff(subject: string, ms: number): void {
    this.#nats.connection.publish(subject, ms <= 0 ? '-NAK' : `-NAK ${JSON.stringify({ delay: nanos(ms) })}`)
  }

  /** The server has all that was said before. */
  async #flush(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('no answer')), FLUSH_MS)
    await Promise.race([this.#nats.connection.flush(), promise]).finally(() => clearTimeout(timer))
  }

  /** Rejects when the queue has been removed, or the server has lost it. */
  async #checkThere(name: string): Promise<void> {
    if ((await this.#definitions.look(name)) === undefined) throw notFound(name)
    await this.#consumer(name)
  }
}

const FLUSH_MS = 5_000

const refusal = (what: string): AmpouleError => new AmpouleError('InvalidRequest', `the queue engine ${NAME} has no ${what}`)

const notFound = (name: string): AmpouleError => new AmpouleError('QueueNotFound', `there is no queue ${name}`)

const missing =
  (name: string) =>
  (error: unknown): never => {
    unlessGone(error)
    throw notFound(name)
  }
