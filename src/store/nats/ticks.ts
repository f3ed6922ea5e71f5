import { nanos } from '@nats-io/transport-node'
import { AckPolicy, JetStreamApiError, StorageType, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream'
import type { Tick, TickEngine } from '../ticks.ts'
import type { Nats } from './connection.ts'
import { put } from './put.ts'

const STREAM = 'ampoule-ticks'
const SUBJECT = 'ampoule.tick.'
const CONSUMER = 'hosts'
/** A tick that is put in later once more is run once more. */
const KEPT_MS = 3 * 86_400_000
/** After which a tick is another host's. */
const TAKING_MS = 30_000
/** Before a tick comes again that a host could not take, or had no schedule for. */
const AGAIN_MS = 2_000
/** A host takes so many at a time, so that others get some. */
const PARALLEL = 5

/** In a stream in which each tick has a subject of its own, and only the first message of a subject is let in. */
export class NatsTicks implements TickEngine {
  readonly #nats: Nats
  #messages: ConsumerMessages | undefined
  #taking: Promise<void> | undefined

  private constructor(nats: Nats) {
    this.#nats = nats
  }

  static async open(nats: Nats): Promise<NatsTicks> {
    const { jsm, replicas } = nats
    const shape = { max_age: nanos(KEPT_MS), num_replicas: replicas }
    await put(
      () => jsm.streams.add({ name: STREAM, subjects: [`${SUBJECT}>`], storage: StorageType.File, ...shape }),
      () => jsm.streams.update(STREAM, shape),
    )
    const receivers = { ack_wait: nanos(TAKING_MS) }
    await put(
      () => jsm.consumers.add(STREAM, { durable_name: CONSUMER, ack_policy: AckPolicy.Explicit, ...receivers }),
      () => jsm.consumers.update(STREAM, CONSUMER, receivers),
    )
    return new NatsTicks(nats)
  }

  async offer(schedule: string, ticks: readonly number[]): Promise<void> {
    await this.#nats.ask(async () => {
      for (const tickMs of ticks) {
        const tick: Tick = { schedule, tickMs }
        const subject = `${SUBJECT}${Buffer.from(schedule).toString('base64url')}.${tickMs}`
        await this.#nats.js
          .publish(subject, JSON.stringify(tick), { expect: { lastSubjectSequence: 0 } })
          .catch((error: unknown) => {
            if (!(error instanceof JetStreamApiError) || error.code !== WRONG_LAST_SEQUENCE) throw error
          })
      }
    })
  }

  async take(take: (tick: Tick) => Promise<boolean>): Promise<void> {
    const consumer = await this.#nats.js.consumers.get(STREAM, CONSUMER)
    const messages = await consumer.consume({ max_messages: PARALLEL })
    this.#messages = messages
    this.#taking = (async () => {
      for await (const message of messages) await settle(message, take)
    })()
  }

  async close(): Promise<void> {
    await this.#messages?.close()
    await this.#taking
  }
}

/** NATS, "JetStream API errors": the subject has a message. */
const WRONG_LAST_SEQUENCE = 10_071

async function settle(message: JsMsg, take: (tick: Tick) => Promise<boolean>): Promise<void> {
  try {
    if (await take(message.json<Tick>())) message.ack()
    else message.nak(AGAIN_MS)
  } catch {
    // Whoever takes it reports why.
    message.nak(AGAIN_MS)
  }
}
