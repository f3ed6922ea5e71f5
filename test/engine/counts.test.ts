import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { SHARED_QUOTA, SharedCounts, type CounterIndex, type QuotaIndex, type Ticket } from '../../src/engine/counts.ts'

const fn = 3 as CounterIndex
const other = 4 as CounterIndex
const quota = 7 as QuotaIndex

describe('the counts that lanes share', () => {
  it('admits up to the limit over all lanes and not one more', () => {
    const first = new SharedCounts(2, 0)
    const second = new SharedCounts(2, 1, first.buffer)
    expect([first.enter(fn, 2), second.enter(fn, 2), first.enter(fn, 2), second.enter(fn, 2)]).toEqual([true, true, false, false])
    second.leave(fn)
    expect(first.enter(fn, 2)).toBe(true)
    expect(first.running(fn)).toBe(2)
  })

  it('takes the share of a lane that died out of every total', () => {
    const first = new SharedCounts(2, 0)
    const second = new SharedCounts(2, 1, first.buffer)
    first.enter(fn, 10)
    second.enter(fn, 10)
    second.enter(fn, 10)
    second.create(fn, 10)
    second.reserve(500, 1_000)
    first.reserve(100, 1_000)
    first.forget(1)
    expect([first.running(fn), first.alive(fn), first.reservedKib]).toEqual([1, 0, 100])
    first.forget(1)
    expect(first.running(fn)).toBe(1)
  })

  it('admits by the quota of its own, else by the one that is shared, and says which is used up', () => {
    const first = new SharedCounts(2, 0)
    const second = new SharedCounts(2, 1, first.buffer)
    first.setLimit(SHARED_QUOTA, 1)
    const shared = second.admit(fn, quota, 0)
    expect(first.admit(other, quota, 0)).toBe('shared quota')
    first.setLimit(quota, 2)
    expect([first.limit(quota), second.limit(quota)]).toEqual([2, 2])
    const own = [first.admit(fn, quota, 0), second.admit(other, quota, 0)]
    expect(second.admit(fn, quota, 0)).toBe('own quota')
    second.setLimit(quota, undefined)
    expect(first.admit(fn, quota, 0)).toBe('shared quota')
    // What was counted before the limits changed is given back to where it was counted.
    for (const [index, ticket] of own.entries()) (index === 0 ? first : second).dismiss(ticket as Ticket)
    second.dismiss(shared as Ticket)
    first.setLimit(quota, 1)
    expect(first.admit(fn, quota, 0)).toBeTypeOf('number')
    first.setLimit(quota, 0)
    expect(first.admit(fn, quota, 0)).toBe('own quota')
  })

  it('admits for provisioned instances besides the quota, and takes a dead lane out of these counts, too', () => {
    const first = new SharedCounts(2, 0)
    const second = new SharedCounts(2, 1, first.buffer)
    first.setLimit(quota, 1)
    const admitted = [second.admit(fn, quota, 2), second.admit(fn, quota, 2), second.admit(fn, quota, 2)]
    expect(admitted.map((ticket) => typeof ticket)).toEqual(['number', 'number', 'number'])
    expect(first.provisionedInUse(fn)).toBe(2)
    expect(first.admit(fn, quota, 2)).toBe('own quota')
    first.forget(1)
    expect(first.provisionedInUse(fn)).toBe(0)
    expect(first.limit(quota)).toBe(1)
    expect(first.admit(fn, quota, 0)).toBeTypeOf('number')
  })

  it('refuses a reservation beyond the ceiling and takes what is given back', () => {
    const counts = new SharedCounts(1, 0)
    expect(counts.reserve(900, 1_000)).toBe(true)
    expect(counts.reserve(101, 1_000)).toBe(false)
    expect(counts.reserve(-900, 1_000)).toBe(true)
    expect(counts.reserve(1_000, 1_000)).toBe(true)
  })

  it('stays exact when two threads count at once', async () => {
    const counts = new SharedCounts(2, 0)
    const code = `
      const { workerData } = require('node:worker_threads')
      import(workerData.module).then(({ SharedCounts }) => {
        const counts = new SharedCounts(2, 1, workerData.buffer)
        for (let i = 0; i < 50_000; i++) if (counts.enter(3, 1)) { if (counts.running(3) !== 1) process.exit(9); counts.leave(3) }
      })`
    const worker = new Worker(code, {
      eval: true,
      workerData: { buffer: counts.buffer, module: new URL('../../src/engine/counts.ts', import.meta.url).href },
    })
    const exited = new Promise((resolve) => worker.on('exit', resolve))
    for (let i = 0; i < 50_000; i++) {
      if (!counts.enter(fn, 1)) continue
      expect(counts.running(fn)).toBe(1)
      counts.leave(fn)
    }
    expect(await exited).toBe(0)
    expect(counts.running(fn)).toBe(0)
  })
})
