import { describe, expect, it } from 'vitest'
import { Backlog } from '../../../src/control/events/backlog.ts'

const room = () => true
const event = (name: string, id: string, dueMs = 0) => ({ id, name, dueMs, deferred: 0 })

describe('events that wait', () => {
  it('are taken in their order, and those to come when their time has come', () => {
    const backlog = new Backlog()
    backlog.add(event('a', '1'), 0)
    backlog.add(event('a', 'late', 30), 0)
    backlog.add(event('a', 'soon', 10), 0)
    backlog.add(event('a', 'soon too', 10), 0)
    backlog.add(event('a', '2'), 0)
    const take = (now: number) => backlog.take(now, room)?.id
    expect([take(5), take(5), take(5)]).toEqual(['1', '2', undefined])
    expect(backlog.dueMs(5, room)).toBe(10)
    expect([take(40), take(40), take(40), take(40)]).toEqual(['soon', 'soon too', 'late', undefined])
    expect(backlog.dueMs(40, room)).toBe(Infinity)
    expect(backlog.size).toBe(0)
  })

  it('are taken of all functions in turns, and of none that has no room', () => {
    const backlog = new Backlog()
    for (const name of ['a', 'b', 'c']) for (const number of [1, 2]) backlog.add(event(name, `${name}${number}`), 0)
    const order = Array.from({ length: 4 }, () => backlog.take(0, (name) => name !== 'b')?.id)
    expect(order).toEqual(['a1', 'c1', 'a2', 'c2'])
    expect(backlog.take(0, (name) => name !== 'b')).toBeUndefined()
    expect(backlog.dueMs(0, (name) => name !== 'b')).toBe(Infinity)
    expect([backlog.sizeOf('a'), backlog.sizeOf('b'), backlog.size]).toEqual([0, 2, 2])
  })

  it('are all taken once, whatever was added and taken meanwhile', () => {
    const backlog = new Backlog()
    const taken: string[] = []
    let added = 0
    for (let now = 0; now < 3000; now++) {
      for (let count = 0; count < (now % 7) - 1 && added < 5000; count++)
        backlog.add(event(`f${added % 3}`, String(added++), (added * 7919) % 3500), now)
      for (let count = 0; count < now % 5; count++) {
        const next = backlog.take(now, room)
        if (next === undefined) break
        expect(next.dueMs).toBeLessThanOrEqual(now)
        taken.push(next.id)
      }
      expect(backlog.size).toBe(added - taken.length)
    }
    for (let next = backlog.take(5000, room); next !== undefined; next = backlog.take(5000, room)) taken.push(next.id)
    expect(new Set(taken).size).toBe(added)
    expect(taken).toHaveLength(added)
  })
})
