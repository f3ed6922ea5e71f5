import { describe, expect, it } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { Meter } from '../../src/engine/meter.ts'
import { GRANT, SLICE_MS, SliceScheduler } from '../../src/engine/slices.ts'

const spin = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}
const budget = (fuel: bigint, ms = 10_000) => ({ fuel, deadlineAt: performance.now() + ms, timeoutMs: ms })

describe('guests that take turns in a lane', () => {
  it('are resumed one per turn of the event loop, in the order in which they yielded', async () => {
    const scheduler = new SliceScheduler()
    const seen: string[] = []
    const turns = ['a', 'b', 'c'].map((name) => scheduler.turn().then(() => seen.push(name)))
    const between = new Promise<void>((resolve) => setImmediate(() => setImmediate(() => (seen.push('neighbour'), resolve()))))
    await Promise.all([...turns, between])
    expect(seen.filter((name) => name !== 'neighbour')).toEqual(['a', 'b', 'c'])
    expect(seen.indexOf('neighbour')).toBeLessThan(3)
  })

  it('cannot be suspended inside a section entered without JSPI, also after it has thrown', () => {
    const scheduler = new SliceScheduler()
    expect(() =>
      scheduler.sync(() => {
        expect(scheduler.canSuspend).toBe(false)
        throw new Error('guest')
      }),
    ).toThrow('guest')
    expect(scheduler.canSuspend).toBe(true)
  })
})

describe('the fuel of an invocation', () => {
  it('is granted in parts until the budget is used, and counts every unit', () => {
    const meter = new Meter(new SliceScheduler())
    meter.begin(budget(GRANT + 10n))
    expect(meter.fuel.value).toBe(GRANT)
    meter.fuel.value = meter.refuel(-3n)
    expect(meter.fuel.value).toBe(7n)
    expect(meter.used).toBe(GRANT + 3n)
    meter.fuel.value = 4n
    expect(meter.used).toBe(GRANT + 6n)
  })

  it('kills beyond the budget, says so, and stays killed', () => {
    const meter = new Meter(new SliceScheduler())
    meter.begin(budget(100n))
    expect(meter.refuel(-1n)).toBe(-1n)
    expect(meter.doomed).toMatchObject({ code: 'FuelExhausted', message: expect.stringContaining('100 units') as string })
    expect(meter.used).toBe(101n)
    expect(meter.refuel(-1n)).toBe(-1n)
  })

  it('charges a bulk operation larger than a grant in full', () => {
    const meter = new Meter(new SliceScheduler())
    meter.begin(budget(10n * GRANT))
    meter.fuel.value = meter.refuel(-5n * GRANT)
    expect(meter.fuel.value).toBe(GRANT)
    expect(meter.used).toBe(6n * GRANT)
  })

  it('asks a guest that used its slice to yield, and grants the next after its turn', async () => {
    const meter = new Meter(new SliceScheduler())
    meter.begin(budget(10n * GRANT))
    spin(SLICE_MS * 1.5)
    expect(meter.refuel(-1n)).toBe(0n)
    expect(await meter.yield()).toBe(GRANT)
  })

  it('kills at the deadline, in a check and after a turn', async () => {
    const meter = new Meter(new SliceScheduler())
    meter.begin(budget(10n * GRANT, 0))
    expect(meter.refuel(-1n)).toBe(-1n)
    expect(meter.doomed?.code).toBe('DeadlineExceeded')
    meter.begin(budget(10n * GRANT))
    meter.doom(new AmpouleError('Cancelled', 'gone'))
    expect(await meter.yield()).toBe(-1n)
  })

  it('dooms with the first reason only, and makes the counter negative so that the next check sees it', () => {
    const meter = new Meter(new SliceScheduler())
    meter.begin(budget(10n * GRANT))
    meter.doom(new AmpouleError('Cancelled', 'gone'))
    meter.doom(new AmpouleError('DeadlineExceeded', 'late'))
    expect(meter.doomed?.code).toBe('Cancelled')
    expect(meter.fuel.value).toBe(-1n)
  })
})
