import type { SQLOutputValue } from 'node:sqlite'
import type { Statements } from './statements.ts'

/**
 * The message groups of FIFO queues. A group can be received from when its first message is due and none is with a receiver; the table
 * `message_groups` says when that is, so that finding the next one costs the same however many messages wait behind it.
 */
export class Groups {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  /** A message was added behind all others of its group. */
  added(queue: number, group: string, dueMs: number, sequence: number): void {
    this.#sql
      .prepare('INSERT INTO message_groups (queue, name, due_ms, head) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(queue, group, dueMs, sequence)
  }

  /** Messages that can be received together: those at the front of groups, the group with the oldest message first. */
  due(queue: number, limit: number, nowMs: number): Record<string, SQLOutputValue>[] {
    const groups = this.#sql
      .prepare('SELECT name FROM message_groups WHERE queue = ? AND due_ms <= ? ORDER BY due_ms, head LIMIT ?')
      .all(queue, nowMs, limit)
    const due: Record<string, SQLOutputValue>[] = []
    for (const { name } of groups) {
      if (due.length === limit) break
      const messages = this.#sql
        .prepare('SELECT * FROM messages WHERE queue = ? AND message_group = ? ORDER BY sequence LIMIT ?')
        .all(queue, name!, limit - due.length)
      // One that is delayed holds up those behind it.
      const held = messages.findIndex((message) => Number(message['due_ms']) > nowMs)
      due.push(...(held < 0 ? messages : messages.slice(0, held)))
    }
    return due
  }

  /** Messages of the group were received, acknowledged, removed, or became visible. */
  changed(queue: number, group: string, nowMs: number): void {
    const head = this.#sql
      .prepare('SELECT sequence, due_ms FROM messages WHERE queue = ? AND message_group = ? ORDER BY sequence LIMIT 1')
      .get(queue, group)
    if (head === undefined) {
      this.#sql.prepare('DELETE FROM message_groups WHERE queue = ? AND name = ?').run(queue, group)
      return
    }
    const received = this.#sql
      .prepare(
        'SELECT max(due_ms) AS until FROM messages WHERE queue = ? AND message_group = ? AND token IS NOT NULL AND due_ms > ?',
      )
      .get(queue, group, nowMs)
    const dueMs = Math.max(Number(received?.['until'] ?? 0), Number(head['due_ms']))
    this.#sql
      .prepare('UPDATE message_groups SET due_ms = ?, head = ? WHERE queue = ? AND name = ?')
      .run(dueMs, Number(head['sequence']), queue, group)
  }
}
