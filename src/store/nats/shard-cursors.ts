import type { Msg } from '@nats-io/transport-node'
import { AckPolicy, DeliverPolicy, type ConsumerConfig } from '@nats-io/jetstream'
import type { Nats } from './connection.ts'
import { readPlace } from './message.ts'
import { pull } from './pull.ts'

/** A consumer of the server that nobody has asked for so long goes. */
const INACTIVE_MS = 60_000
/** At once: each may have a megabyte. */
const MOST = 100

export interface ShardPlace {
  readonly stream: string
  readonly subject: string
  /** What stands behind this sequence. */
  readonly after: number
}

interface Cursor {
  readonly consumer: string
  /** Given by the server, and not by us yet. */
  readonly ahead: Msg[]
}

/**
 * Reads what stands behind a place of a shard. The server has a consumer for each place where somebody reads; who goes on from where it was gets the
 * same one again.
 */
export class ShardCursors {
  readonly #nats: Nats
  /** By place. */
  readonly #cursors = new Map<string, Cursor>()

  constructor(nats: Nats) {
    this.#nats = nats
  }

  /** Calls `take` with one message after the other, until it gives false, for one that is then read again, or there is none. */
  async read({ stream, subject, after }: ShardPlace, take: (message: Msg) => boolean): Promise<void> {
    const key = (at: number): string => `${subject} ${at}`
    const cursor = this.#cursors.get(key(after)) ?? { consumer: await this.#start(stream, subject, after + 1), ahead: [] }
    // Who reads from the same place meanwhile starts another one.
    this.#cursors.delete(key(after))
    let at = after
    for (;;) {
      const message = cursor.ahead.shift() ?? (await this.#next(stream, cursor))
      if (message === undefined) break
      if (!take(message)) {
        cursor.ahead.unshift(message)
        break
      }
      at = readPlace(message.reply ?? '')?.sequence ?? at
    }
    this.#cursors.set(key(at), cursor)
    if (this.#cursors.size > MOST_CURSORS) this.#cursors.delete([...this.#cursors.keys()][0] ?? '')
  }

  /** Of a stream that is gone. */
  forget(subject: string): void {
    for (const key of this.#cursors.keys()) if (key.startsWith(`${subject}.`)) this.#cursors.delete(key)
  }

  async #next(stream: string, cursor: Cursor): Promise<Msg | undefined> {
    const pulled = await pull(this.#nats.connection, { stream, consumer: cursor.consumer, limit: MOST })
    if (pulled === undefined) throw new CursorGone('the consumer is gone')
    cursor.ahead.push(...pulled)
    return cursor.ahead.shift()
  }

  async #start(stream: string, subject: string, sequence: number): Promise<string> {
    const { name } = await this.#nats.jsm.consumers.add(stream, {
      ...READER,
      filter_subject: subject,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence,
    })
    return name
  }
}

/** The server has lost it, as one that was started again does: a new one starts where that was. */
export class CursorGone extends Error {
  override readonly name = 'CursorGone'
}

/** Nothing of it outlives the server: the place is kept by who reads. */
export const READER: Partial<ConsumerConfig> = {
  ack_policy: AckPolicy.None,
  inactive_threshold: INACTIVE_MS * 1_000_000,
  mem_storage: true,
}

const MOST_CURSORS = 1_000
