import { describe, expect, it } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { Meter, type Counter } from '../../src/engine/meter.ts'
import { GRANT, SLICE_MS, Share, SliceScheduler } from '../../src/engine/slices.ts'

const spin = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}
const budget = (fuel: bigint, ms = 10_000) => ({ fuel, deadlineAt: performance.now() + ms, timeoutMs: ms })

describe('guests that take turns in a lane', () => {
  it('are resumed one per turn of the event loop, in the order in which they yielded', async () => {
    const scheduler = new SliceScheduler()
    const seen: string[] = []
    const turns = ['a', 'b', 'c'].map((name) => scheduler.turn(new Share(), 1).then(() => seen.push(name)))
    const between = new Promise<void>((resolve) => setImmediate(() => setImmediate(() => (seen.push('neighbour'), resolve()))))
    await Promise.all([...turns, between])
    expect(seen.filter((name) => name !== 'neighbour')).toEqual(['a', 'b', 'c'])
    expect(seen.indexOf('neighbour')).toBeLessThan(3)
  })

  it('have turns in proportion to their weights, and save none up while they do not wait', async () => {
    const scheduler = new SliceScheduler()
    const [small, large] = [new Share(128), new Share(1024)]
    const had = new Map([small, large].map((share) => [share, 0]))
    let left = 900
    const take = async (share: Share): Promise<void> => {
      for (; left > 0; left--) {
        await scheduler.turn(share, 1)
        had.set(share, (had.get(share) ?? 0) + 1)
      }
    }
    await Promise.all([take(small), take(large)])
    expect(Math.abs((had.get(small) ?? 0) - 100)).toBeLessThanOrEqual(2)

    const late = new Share(128)
    had.set(small, 0)
    left = 100
    await Promise.all([take(small), take(late)])
    expect(Math.abs((had.get(small) ?? 0) - 50)).toBeLessThanOrEqual(2)
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

/** A core instance that burns fuel as instrumented code does: takes, and asks when its counter is below zero. */
class Core {
  readonly global = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n)
  readonly #scheduler: SliceScheduler
  readonly #counter: Counter

  constructor(scheduler: SliceScheduler, meter: Meter) {
    this.#scheduler = scheduler
    this.#counter = meter.counter()
    this.#counter.attach({ 'ampoule:fuel': this.global })
  }

  /** What the host answered; nothing while the grant lasts. Where code cannot be suspended it is never asked to yield, however slow the machine. */
  burn(units: bigint, suspendable = false): bigint | undefined {
    this.global.value -= units
    if (this.global.value >= 0n) return undefined
    const left = this.global.value
    const answer = suspendable ? this.#counter.refuel(left) : this.#scheduler.sync(() => this.#counter.refuel(left))
    this.global.value = answer < 0n ? left : answer
    return answer
  }

  async yield(): Promise<bigint> {
    return (this.global.value = await this.#counter.yield())
  }
}

describe('the fuel of an invocation', () => {
  const started = (fuel: bigint, ms?: number): { meter: Meter; core: Core; another: () => Core; scheduler: SliceScheduler } => {
    const scheduler = new SliceScheduler()
    const meter = new Meter(scheduler)
    const another = (): Core => new Core(scheduler, meter)
    const core = another()
    meter.begin(budget(fuel, ms))
    return { meter, core, another, scheduler }
  }

  it('is granted in parts until the budget is used, and counts every unit', () => {
    const { meter, core } = started(GRANT + 10n)
    expect(core.global.value).toBe(0n)
    expect(core.burn(3n)).toBe(GRANT)
    expect(meter.used).toBe(3n)
    expect(core.burn(GRANT + 1n)).toBe(6n)
    expect(meter.used).toBe(GRANT + 4n)
    expect(core.burn(3n)).toBeUndefined()
    expect(meter.used).toBe(GRANT + 7n)
  })

  it('kills beyond the budget, says so, and stays killed', () => {
    const { meter, core } = started(100n)
    expect(core.burn(1n)).toBe(99n)
    expect(core.burn(100n)).toBe(-1n)
    expect(meter.doomed).toMatchObject({ code: 'FuelExhausted', message: expect.stringContaining('100 units') as string })
    expect(meter.used).toBe(101n)
    expect(core.burn(1n)).toBe(-1n)
    expect(meter.used).toBe(101n)
  })

  it('charges a bulk operation larger than a grant in full', () => {
    const { meter, core } = started(10n * GRANT)
    core.burn(0n)
    expect(core.burn(6n * GRANT)).toBe(GRANT)
    expect(meter.used).toBe(6n * GRANT)
  })

  it('asks a guest that used its slice to yield, and grants the next after its turn', async () => {
    const { meter, core } = started(10n * GRANT)
    expect(core.burn(1n)).toBe(GRANT)
    spin(SLICE_MS * 1.5)
    expect(core.burn(GRANT + 1n, true)).toBe(0n)
    expect(await core.yield()).toBe(GRANT)
    expect(meter.used).toBe(GRANT + 2n)
  })

  it('kills at the deadline, in a check and after a turn', async () => {
    const { meter, core } = started(10n * GRANT, 0)
    expect(core.burn(1n)).toBe(GRANT)
    expect(core.burn(GRANT + 1n)).toBe(-1n)
    expect(meter.doomed?.code).toBe('DeadlineExceeded')
    meter.begin(budget(10n * GRANT))
    meter.doom(new AmpouleError('Cancelled', 'gone'))
    expect(await core.yield()).toBe(-1n)
  })

  it('dooms with the first reason only, and makes every counter negative so that the next check sees it', () => {
    const { meter, core, another } = started(10n * GRANT)
    const other = another()
    expect(core.burn(7n)).toBe(GRANT)
    expect(other.burn(8n)).toBe(GRANT)
    meter.doom(new AmpouleError('Cancelled', 'gone'))
    meter.doom(new AmpouleError('DeadlineExceeded', 'late'))
    expect(meter.doomed?.code).toBe('Cancelled')
    expect([core.global.value, other.global.value]).toEqual([-1n, -1n])
    expect(another().global.value).toBe(-1n)
    expect(meter.used).toBe(15n)
  })

  it('is the same for the same work after another invocation, however that one ended', () => {
    const { meter, core, another } = started(10n * GRANT)
    const other = another()
    const work = (): bigint => {
      meter.begin(budget(10n * GRANT))
      for (let i = 0; i < 30_000; i++) (i % 3 === 0 ? core : other).burn(29n)
      return meter.used
    }
    const first = work()
    expect(first).toBe(30_000n * 29n)
    meter.doom(new AmpouleError('Cancelled', 'gone'))
    core.burn(5n)
    expect(work()).toBe(first)
    other.global.value -= 17n
    expect(work()).toBe(first)
  })

  it('is counted also when code runs before its counter can be seen', () => {
    const { meter, core, scheduler } = started(10n * GRANT)
    const counter = meter.counter()
    const global = new WebAssembly.Global({ value: 'i64', mutable: true }, -9n)
    global.value = scheduler.sync(() => counter.refuel(-9n))
    global.value -= 100n
    core.burn(1n)
    counter.attach({ 'ampoule:fuel': global })
    expect(meter.used).toBe(110n)
  })

  it('lends core instances together no more than is left of the budget', () => {
    const { meter, another } = started(5_000n)
    const cores = Array.from({ length: 10 }, another)
    let burnt = 0n
    for (let i = 0; meter.doomed === undefined; i++) {
      cores[i % 10]!.burn(10n)
      burnt += 10n
    }
    expect(meter.doomed.code).toBe('FuelExhausted')
    expect(burnt).toBe(5_010n)
    expect(meter.used).toBe(burnt)
  })

  it('is used up to four grants before the clock is looked at, however many core instances share the work', () => {
    const { meter, another } = started(1_000n * GRANT, 0)
    const cores = Array.from({ length: 100 }, another)
    for (const core of cores) {
      core.burn(1n)
      core.burn(GRANT)
      if (meter.doomed !== undefined) break
    }
    expect(meter.doomed?.code).toBe('DeadlineExceeded')
    expect(meter.used).toBeLessThanOrEqual(4n * GRANT + 5n)
  })

  it('goes to work of the host too, after which the clock is looked at', () => {
    const { meter, core } = started(10n * GRANT, 0)
    core.burn(1n)
    core.burn(10n)
    meter.charge(Number(GRANT) - 12)
    expect(core.burn(1n)).toBeUndefined()
    meter.charge(1)
    expect(core.burn(1n)).toBe(-1n)
    expect(meter.doomed?.code).toBe('DeadlineExceeded')
    expect(meter.used).toBe(GRANT + 2n)
  })

  it('can be used up by work of the host, which then throws', () => {
    const { meter, core } = started(10n * GRANT)
    core.burn(1n)
    meter.charge(Number(9n * GRANT))
    expect(() => meter.charge(Number(GRANT))).toThrow(expect.objectContaining({ code: 'FuelExhausted' }))
    expect(core.global.value).toBe(-1n)
    expect(() => meter.charge(1)).toThrow(expect.objectContaining({ code: 'FuelExhausted' }))
    expect(meter.used).toBe(10n * GRANT + 1n)
  })
})
