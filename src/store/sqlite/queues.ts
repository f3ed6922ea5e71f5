import { randomBytes } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { DEDUPLICATION_MS, type NewMessage, type PeekedMessage, type QueueDefinition, type QueueStats } from '../queue.ts'
import type { ReceivedMessage, SentMessage, VisibilityChange } from '../queue.ts'
import { Groups } from './groups.ts'
import { checksumOf, requireWhole } from './checksum.ts'
import { Refusal } from './refusal.ts'
import { Statements } from './statements.ts'

/** Messages that one request moves aside at most, so that the thread is not kept from the others. */
const MAX_MOVED = 1_000
const MAX_EXPIRED = 1_000

interface Queue {
  readonly number: number
  readonly definition: QueueDefinition
}

export interface PurgeStep {
  /** 0: nothing is left. */
  readonly purged: number
  /** The last sequence that belongs to this purge. */
  readonly until: number
}

type Row = Record<string, SQLOutputValue>

/** The queues of a database, synchronous: for the thread that owns the connection, in transactions of its making. */
export class SqliteQueues {
  readonly #sql: Statements
  readonly #groups: Groups
  /** By name; definitions change by this thread only. */
  readonly #queues = new Map<string, Queue>()

  constructor(database: DatabaseSync) {
    this.#sql = new Statements(database)
    this.#groups = new Groups(this.#sql)
  }

  /** After a transaction was rolled back: what was read in it may never have been. */
  forget(): void {
    this.#queues.clear()
  }

  define(definition: QueueDefinition): void {
    const before = this.#find(definition.name)
    const { name, fifo, deadLetter } = definition
    if (before !== undefined && before.definition.fifo !== fifo)
      throw new Refusal('InvalidRequest', `the queue ${name} is ${fifo ? 'not FIFO' : 'FIFO'}, which cannot be changed`)
    if (deadLetter?.queue === name) throw new Refusal('InvalidRequest', `the queue ${name} cannot be its own dead-letter queue`)
    if (deadLetter !== undefined && this.#queue(deadLetter.queue).definition.fifo !== fifo)
      throw new Refusal('InvalidRequest', `the dead-letter queue of a FIFO queue must be FIFO, and of no other queue`)
    this.#sql
      .prepare(
        `INSERT INTO queues (name, fifo, definition) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET definition = excluded.definition`,
      )
      .run(name, Number(fifo), JSON.stringify(definition))
    this.#queues.delete(name)
  }

  definition(name: string): QueueDefinition | undefined {
    return this.#find(name)?.definition
  }

  definitions(after: string, limit: number): QueueDefinition[] {
    const rows = this.#sql.prepare('SELECT definition FROM queues WHERE name > ? ORDER BY name LIMIT ?').all(after, limit)
    return rows.map((row) => parseDefinition(row['definition']))
  }

  remove(name: string): boolean {
    this.#queues.delete(name)
    return this.#sql.prepare('DELETE FROM queues WHERE name = ?').run(name).changes > 0
  }

  send(name: string, messages: readonly NewMessage[], nowMs: number): SentMessage[] {
    const queue = this.#queue(name)
    const { fifo, delayMs, retentionMs } = queue.definition
    this.#expire(queue, nowMs)
    let added = 0
    const sent = messages.map(({ id, body, attributes, group, deduplication, ...message }) => {
      if (fifo !== (group !== undefined))
        throw new Refusal(
          'InvalidRequest',
          fifo ? `a message of the FIFO queue ${name} needs a group` : `${name} is no FIFO queue: its messages have no group`,
        )
      const known = deduplication === undefined ? undefined : this.#deduplicated(queue, deduplication)
      if (known !== undefined) return known
      added++
      const dueMs = nowMs + (message.delayMs ?? delayMs)
      const row = this.#sql
        .prepare('INSERT INTO messages (queue, due_ms, expires_ms, message_group) VALUES (?, ?, ?, ?) RETURNING sequence')
        .get(queue.number, dueMs, nowMs + retentionMs, group ?? null)
      const sequence = Number(row?.['sequence'])
      const kept = attributes === undefined ? null : JSON.stringify(attributes)
      this.#sql
        .prepare(
          'INSERT INTO contents (sequence, id, sent_ms, deduplication, attributes, body, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(sequence, id, nowMs, deduplication ?? null, kept, body, checksumOf(kept, body))
      if (group !== undefined) this.#groups.added(queue.number, group, dueMs, sequence)
      if (deduplication !== undefined)
        this.#sql
          .prepare('INSERT INTO deduplications (queue, deduplication, id, sequence, expires_ms) VALUES (?, ?, ?, ?, ?)')
          .run(queue.number, deduplication, id, sequence, nowMs + DEDUPLICATION_MS)
      return { id, sequence }
    })
    this.#count(queue, added)
    return sent
  }

  receive(name: string, limit: number, visibilityMs: number | undefined, nowMs: number): ReceivedMessage[] {
    const queue = this.#queue(name)
    const { fifo, deadLetter } = queue.definition
    this.#expire(queue, nowMs)
    // At least a moment, or one call could give the same message twice.
    const untilMs = nowMs + Math.max(1, visibilityMs ?? queue.definition.visibilityMs)
    const received: ReceivedMessage[] = []
    for (let dead = 0, before = -1; received.length < limit && dead < MAX_MOVED && dead > before;) {
      before = dead
      const due = fifo
        ? this.#groups.due(queue.number, limit - received.length, nowMs)
        : this.#due(queue, limit - received.length, nowMs)
      const touched = new Set<string>()
      for (const row of due) {
        const group = textOf(row['message_group'])
        if (group !== undefined) touched.add(group)
        if (deadLetter !== undefined && Number(row['receives']) >= deadLetter.maxReceives) {
          this.#transfer(queue, this.#queue(deadLetter.queue), row, nowMs, queue.definition.name)
          dead++
        } else received.push(this.#take(row, untilMs, nowMs))
      }
      for (const group of touched) this.#groups.changed(queue.number, group, nowMs)
    }
    return received
  }

  acknowledge(name: string, receipts: readonly string[], nowMs: number): boolean[] {
    const queue = this.#queue(name)
    let gone = 0
    const touched = new Set<string>()
    const valid = receipts.map((receipt) => {
      const [sequence, token] = partsOf(receipt)
      const row = this.#sql
        .prepare('DELETE FROM messages WHERE sequence = ? AND queue = ? AND token = ? RETURNING message_group')
        .get(sequence, queue.number, token)
      if (row === undefined) return false
      gone++
      const group = textOf(row['message_group'])
      if (group !== undefined) touched.add(group)
      return true
    })
    for (const group of touched) this.#groups.changed(queue.number, group, nowMs)
    this.#count(queue, -gone)
    return valid
  }

  changeVisibility(name: string, changes: readonly VisibilityChange[], nowMs: number): boolean[] {
    const queue = this.#queue(name)
    return changes.map(({ receipt, visibilityMs }) => {
      const [sequence, token] = partsOf(receipt)
      // One that is out of its time already is nobody's, also when nobody has received it since.
      const row = this.#sql
        .prepare(
          'UPDATE messages SET due_ms = ? WHERE sequence = ? AND queue = ? AND token = ? AND due_ms > ? RETURNING message_group',
        )
        .get(nowMs + visibilityMs, sequence, queue.number, token, nowMs)
      const group = textOf(row?.['message_group'])
      if (group !== undefined) this.#groups.changed(queue.number, group, nowMs)
      return row !== undefined
    })
  }

  peek(name: string, limit: number, nowMs: number): PeekedMessage[] {
    const queue = this.#queue(name)
    return this.#due(queue, limit, nowMs).map((row) => this.#read(row, Number(row['receives'])))
  }

  /** Of the messages up to `until`; default: the last that there is. */
  purge(name: string, until: number | undefined, nowMs: number): PurgeStep {
    const queue = this.#queue(name)
    const last = until ?? this.#sql.prepare('SELECT max(sequence) AS last FROM messages').get()?.['last'] ?? 0
    const rows = this.#sql
      .prepare('SELECT sequence, message_group FROM messages WHERE queue = ? AND sequence <= ? ORDER BY expires_ms LIMIT ?')
      .all(queue.number, last, MAX_MOVED)
    this.#delete(queue, rows, nowMs)
    return { purged: rows.length, until: Number(last) }
  }

  stats(name: string, nowMs: number): QueueStats {
    const queue = this.#queue(name)
    this.#expire(queue, nowMs)
    const all = Number(this.#sql.prepare('SELECT messages FROM queues WHERE number = ?').get(queue.number)?.['messages'])
    const later = this.#sql
      .prepare('SELECT count(*) AS later, count(token) AS received FROM messages WHERE queue = ? AND due_ms > ?')
      .get(queue.number, nowMs)
    const inFlight = Number(later?.['received'])
    const delayed = Number(later?.['later']) - inFlight
    const oldest = this.#sql
      .prepare('SELECT sequence FROM messages WHERE queue = ? ORDER BY expires_ms LIMIT 1')
      .get(queue.number)?.['sequence']
    const sentMs = oldest === undefined ? undefined : this.#content(Number(oldest))['sent_ms']
    return {
      visible: all - inFlight - delayed,
      inFlight,
      delayed,
      oldestSentMs: sentMs === undefined ? undefined : Number(sentMs),
    }
  }

  move(name: string, to: string | undefined, limit: number, nowMs: number): number {
    const from = this.#queue(name)
    const due = from.definition.fifo
      ? this.#groups.due(from.number, Math.min(limit, MAX_MOVED), nowMs)
      : this.#due(from, Math.min(limit, MAX_MOVED), nowMs)
    const touched = new Set<string>()
    let moved = 0
    for (const row of due) {
      const target = to ?? textOf(row['source'])
      // Its queue is gone, or it never had another: it stays.
      if (target === undefined || this.#find(target) === undefined) continue
      this.#transfer(from, this.#queue(target), row, nowMs, undefined)
      moved++
      const group = textOf(row['message_group'])
      if (group !== undefined) touched.add(group)
    }
    for (const group of touched) this.#groups.changed(from.number, group, nowMs)
    return moved
  }

  #find(name: string): Queue | undefined {
    const known = this.#queues.get(name)
    if (known !== undefined) return known
    const row = this.#sql.prepare('SELECT number, definition FROM queues WHERE name = ?').get(name)
    if (row === undefined) return undefined
    const queue = { number: Number(row['number']), definition: parseDefinition(row['definition']) }
    this.#queues.set(name, queue)
    return queue
  }

  #queue(name: string): Queue {
    const queue = this.#find(name)
    if (queue === undefined) throw new Refusal('QueueNotFound', `there is no queue ${name}`)
    return queue
  }

  #due(queue: Queue, limit: number, nowMs: number): Row[] {
    return this.#sql
      .prepare('SELECT * FROM messages WHERE queue = ? AND due_ms <= ? ORDER BY due_ms, sequence LIMIT ?')
      .all(queue.number, nowMs, limit)
  }

  #take(row: Row, untilMs: number, nowMs: number): ReceivedMessage {
    const sequence = Number(row['sequence'])
    const receives = Number(row['receives']) + 1
    const firstReceivedMs = Number(row['first_received_ms'] ?? nowMs)
    const token = randomBytes(8).toString('hex')
    this.#sql
      .prepare('UPDATE messages SET due_ms = ?, token = ?, receives = ?, first_received_ms = ? WHERE sequence = ?')
      .run(untilMs, token, receives, firstReceivedMs, sequence)
    return { ...this.#read(row, receives), receipt: `${sequence}-${token}`, firstReceivedMs, visibleMs: untilMs }
  }

  #read(row: Row, receives: number): PeekedMessage {
    const content = this.#content(Number(row['sequence']))
    const attributes = textOf(content['attributes'])
    const body = content['body'] as Uint8Array
    requireWhole(content['checksum'], checksumOf(attributes ?? null, body), `message ${String(row['sequence'])} of a queue`)
    return {
      id: String(content['id']),
      sequence: Number(row['sequence']),
      body,
      attributes: attributes === undefined ? {} : (JSON.parse(attributes) as Record<string, unknown>),
      group: textOf(row['message_group']),
      deduplication: textOf(content['deduplication']),
      sentMs: Number(content['sent_ms']),
      receives,
      source: textOf(row['source']),
    }
  }

  #content(sequence: number): Row {
    const row = this.#sql.prepare('SELECT * FROM contents WHERE sequence = ?').get(sequence)
    if (row === undefined) throw new Error(`message ${sequence} has no content`)
    return row
  }

  /** Behind all that is there; as if nobody had received it yet. */
  #transfer(from: Queue, to: Queue, row: Row, nowMs: number, source: string | undefined): void {
    const before = Number(row['sequence'])
    const group = textOf(row['message_group'])
    const moved = this.#sql
      .prepare(
        `INSERT INTO messages (queue, due_ms, expires_ms, message_group, source) VALUES (?, ?, ?, ?, ?) RETURNING sequence`,
      )
      .get(to.number, nowMs, nowMs + to.definition.retentionMs, group ?? null, source ?? null)
    const sequence = Number(moved?.['sequence'])
    this.#sql
      .prepare(
        `INSERT INTO contents (sequence, id, sent_ms, deduplication, attributes, body, checksum)
         SELECT ?, id, sent_ms, deduplication, attributes, body, checksum FROM contents WHERE sequence = ?`,
      )
      .run(sequence, before)
    this.#sql.prepare('DELETE FROM messages WHERE sequence = ?').run(before)
    if (group !== undefined) this.#groups.added(to.number, group, nowMs, sequence)
    this.#count(from, -1)
    this.#count(to, 1)
  }

  #deduplicated({ number }: Queue, deduplication: string): SentMessage | undefined {
    const row = this.#sql
      .prepare('SELECT id, sequence FROM deduplications WHERE queue = ? AND deduplication = ?')
      .get(number, deduplication)
    return row === undefined ? undefined : { id: String(row['id']), sequence: Number(row['sequence']) }
  }

  /** What is too old goes when someone looks. */
  #expire(queue: Queue, nowMs: number): void {
    const { number } = queue
    if (queue.definition.fifo)
      this.#sql.prepare('DELETE FROM deduplications WHERE queue = ? AND expires_ms <= ?').run(number, nowMs)
    const old = this.#sql
      .prepare('SELECT sequence, message_group FROM messages WHERE queue = ? AND expires_ms <= ? ORDER BY expires_ms LIMIT ?')
      .all(number, nowMs, MAX_EXPIRED)
    this.#delete(queue, old, nowMs)
  }

  #delete(queue: Queue, rows: readonly Row[], nowMs: number): void {
    const touched = new Set<string>()
    for (const row of rows) {
      this.#sql.prepare('DELETE FROM messages WHERE sequence = ?').run(Number(row['sequence']))
      const group = textOf(row['message_group'])
      if (group !== undefined) touched.add(group)
    }
    for (const group of touched) this.#groups.changed(queue.number, group, nowMs)
    this.#count(queue, -rows.length)
  }

  #count({ number }: Queue, change: number): void {
    if (change !== 0) this.#sql.prepare('UPDATE queues SET messages = messages + ? WHERE number = ?').run(change, number)
  }
}

const parseDefinition = (text: SQLOutputValue | undefined): QueueDefinition => JSON.parse(String(text)) as QueueDefinition

const textOf = (value: SQLOutputValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

/** A receipt that was never given stands for no message. */
function partsOf(receipt: string): [sequence: number, token: string] {
  const dash = receipt.indexOf('-')
  const sequence = Number(receipt.slice(0, dash))
  return [Number.isSafeInteger(sequence) ? sequence : -1, receipt.slice(dash + 1)]
}
