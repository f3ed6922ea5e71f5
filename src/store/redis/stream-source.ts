import { AmpouleError } from '../../errors.ts'
import type { ReceivedMessage, VisibilityChange } from '../queue.ts'
import type { MessageSource } from '../source.ts'
import { connectRedis, type Redis } from './connection.ts'

export interface RedisStreamOptions {
  readonly url: string
  /** The stream's. */
  readonly key: string
  /** The consumer group's name: each entry goes to one of its consumers. Made when it is not there. */
  readonly group: string
  /** This host's name in the group. */
  readonly consumer: string
  /** Whether this host has been started since it had entries: those are nobody's. */
  readonly recover: boolean
  /** Where a group that is made starts. */
  readonly start: 'first' | 'latest'
  /** How often an entry is given again that was not acknowledged; undefined: for ever. */
  readonly maxRetries: number | undefined
  /** Takes what was given so often. */
  readonly givenUp: (message: ReceivedMessage) => Promise<void>
  /** Of a consumer that says nothing of an entry for so long others get it: milliseconds. Default 30,000. */
  readonly idleMs?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const IDLE_MS = 30_000
/** So often it is looked for what dead consumers left, while nothing new comes. */
const LOOK_MS = 1_000
/** Longer than any invocation: entries are kept from others as long as they are here. */
const HELD_MS = 16 * 60_000
/** Consumers of hosts that have ended and left nothing. */
const FORGOTTEN_MS = 24 * 60 * 60_000
/** The field that is the message; without it the entry is, as JSON. */
const BODY = 'body'

type Entry = { readonly id: Buffer | string; readonly message: Readonly<Record<string, Buffer | string>> }

/** A stream of Redis, by a consumer group: Redis, "Streams", XREADGROUP, XACK and XAUTOCLAIM. Entries stay in the stream; whoever puts them in trims it. */
export class RedisStreamSource implements MessageSource {
  readonly #options: RedisStreamOptions
  readonly #idleMs: number
  readonly #held = new Set<string>()
  readonly #later = new Map<string, NodeJS.Timeout>()
  readonly #heartbeat: NodeJS.Timeout
  #beatMs = performance.now()
  /** Behind which of its own entries the host has to look still; undefined: behind none. */
  #recovered: string | undefined
  #away = false
  /** A read that waits holds up what is asked behind it: it has a connection of its own. */
  readonly #clients = new Map<'reads' | 'writes', Promise<Redis>>()

  constructor(options: RedisStreamOptions) {
    this.#options = options
    this.#idleMs = options.idleMs ?? IDLE_MS
    this.#recovered = options.recover ? '0' : undefined
    this.#heartbeat = setInterval(() => void this.#beat(), this.#idleMs / 3).unref()
  }

  get trouble(): string | undefined {
    return this.#away ? 'Redis is away' : undefined
  }

  async receive({ limit, waitMs, signal }: Parameters<MessageSource['receive']>[0]): Promise<readonly ReceivedMessage[]> {
    const { key, group, consumer } = this.#options
    const endMs = performance.now() + waitMs
    for (;;) {
      const { entries, again } = await this.#ask('reads', async (client) => {
        const left = await this.#leftBefore(client, limit)
        if (left.length > 0) return { entries: left, again: true }
        const { messages } = await client.xAutoClaim(key, group, consumer, this.#idleMs, '0-0', { COUNT: limit })
        const dead = (messages as readonly (Entry | null)[]).filter((entry) => entry !== null)
        if (dead.length > 0) return { entries: dead, again: true }
        const leftMs = Math.max(1, Math.min(endMs - performance.now(), LOOK_MS))
        const read = await client.xReadGroup(group, consumer, { key, id: '>' }, { COUNT: limit, BLOCK: Math.ceil(leftMs) })
        return { entries: entriesOf(read), again: false }
      })
      const received = await this.#take(entries, again)
      if (received.length > 0 || performance.now() >= endMs || signal.aborted) return received
    }
  }

  async acknowledge(receipts: readonly string[]): Promise<void> {
    if (receipts.length === 0) return
    const { key, group } = this.#options
    await this.#ask('writes', (client) => client.xAck(key, group, [...receipts]))
    this.leave(receipts)
  }

  async changeVisibility(changes: readonly VisibilityChange[]): Promise<void> {
    for (const { receipt, visibilityMs } of changes) {
      const restMs = visibilityMs - this.#idleMs
      if (restMs <= 0) await this.#release(receipt, -restMs)
      else this.#later.set(receipt, setTimeout(() => void this.#release(receipt, 0).catch(() => undefined), restMs).unref())
    }
  }

  leave(receipts: readonly string[]): void {
    for (const receipt of receipts) this.#held.delete(receipt)
  }

  close(): Promise<void> {
    clearInterval(this.#heartbeat)
    for (const timer of this.#later.values()) clearTimeout(timer)
    for (const which of this.#clients.keys()) this.#drop(which)
    return Promise.resolve()
  }

  /** Others get it when it has not been touched for as long as is left. */
  async #release(id: string, idleMs: number): Promise<void> {
    const { key, group, consumer } = this.#options
    this.#later.delete(id)
    this.#held.delete(id)
    await this.#ask('writes', (client) => client.xClaimJustId(key, group, consumer, 0, id, { IDLE: idleMs }))
  }

  /** Keeps from others what is here. */
  async #beat(): Promise<void> {
    const { key, group, consumer } = this.#options
    const sinceMs = performance.now() - this.#beatMs
    this.#beatMs = performance.now()
    // This process has stood still: others have it by now.
    if (sinceMs > this.#idleMs) this.#held.clear()
    if (this.#held.size === 0) return
    const ids = [...this.#held]
    await this.#ask('writes', (client) => client.xClaimJustId(key, group, consumer, 0, ids, { IDLE: 0 })).catch(() => undefined)
  }

  /** `again`: they were given before. */
  async #take(entries: readonly Entry[], again: boolean): Promise<readonly ReceivedMessage[]> {
    const { maxRetries, givenUp } = this.#options
    const taken: ReceivedMessage[] = []
    for (const entry of entries) {
      const message = this.#read(entry, again ? await this.#receives(String(entry.id)) : 1)
      if (maxRetries !== undefined && message.receives > maxRetries + 1) {
        await givenUp(message)
        await this.acknowledge([message.receipt])
        continue
      }
      this.#held.add(message.receipt)
      taken.push(message)
    }
    return taken
  }

  /** What this host had when it ended. */
  async #leftBefore(client: Redis, limit: number): Promise<readonly Entry[]> {
    const { key, group, consumer } = this.#options
    if (this.#recovered === undefined) return []
    const entries = entriesOf(await client.xReadGroup(group, consumer, { key, id: this.#recovered }, { COUNT: limit }))
    const last = entries.at(-1)
    this.#recovered = last === undefined ? undefined : String(last.id)
    return entries
  }

  async #receives(id: string): Promise<number> {
    const { key, group } = this.#options
    const [pending] = await this.#ask('writes', (client) => client.xPendingRange(key, group, id, id, 1))
    return pending?.deliveriesCounter ?? 1
  }

  #read({ id: rawId, message: fields }: Entry, receives: number): ReceivedMessage {
    const { now } = this.#options
    const id = String(rawId)
    const { [BODY]: body, ...rest } = fields
    const texts = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)]))
    return {
      id,
      receipt: id,
      sequence: 0,
      body: body === undefined ? Buffer.from(JSON.stringify(texts)) : Buffer.from(body),
      attributes: {
        messageAttributes: Object.fromEntries(
          Object.entries(body === undefined ? {} : texts).map(([name, StringValue]) => [
            name,
            { DataType: 'String', StringValue },
          ]),
        ),
      },
      group: undefined,
      deduplication: undefined,
      // Redis makes ids of the time at which an entry was put in.
      sentMs: Number(id.split('-')[0]),
      receives,
      source: undefined,
      firstReceivedMs: now(),
      visibleMs: now() + HELD_MS,
    }
  }

  async #ask<T>(which: 'reads' | 'writes', work: (client: Redis) => Promise<T>): Promise<T> {
    const client = this.#clients.get(which) ?? this.#open()
    this.#clients.set(which, client)
    try {
      const answer = await work(await client)
      this.#away = false
      return answer
    } catch (error) {
      this.#away = true
      // The next one gets another connection.
      if (this.#clients.get(which) === client) this.#drop(which)
      if (error instanceof AmpouleError) throw error
      throw new AmpouleError('StoreUnavailable', `Redis did not do it: ${(error as Error).message}`, { cause: error })
    }
  }

  #drop(which: 'reads' | 'writes'): void {
    const client = this.#clients.get(which)
    this.#clients.delete(which)
    client?.then((one) => one.destroy()).catch(() => undefined)
  }

  async #open(): Promise<Redis> {
    const { url, key, group, start, consumer } = this.#options
    const client = await connectRedis(url)
    await client.xGroupCreate(key, group, start === 'first' ? '0' : '$', { MKSTREAM: true }).catch((error: unknown) => {
      // It is there.
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error
    })
    const consumers = await client.xInfoConsumers(key, group)
    for (const { name, pending, idle } of consumers)
      if (String(name) !== consumer && pending === 0 && idle > FORGOTTEN_MS)
        await client.xGroupDelConsumer(key, group, String(name))
    return client
  }
}

/** Of the one stream that was asked for. */
const entriesOf = (answer: unknown): readonly Entry[] =>
  ((answer ?? []) as readonly { readonly messages: readonly Entry[] }[]).flatMap(({ messages }) => messages)
