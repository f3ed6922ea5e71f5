import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CHEAP, context, TestLane } from './lane.ts'
import { guest } from '../guests/index.ts'
import { hostileInput } from '../guests/hostile.ts'
import type { FunctionSpec } from '../../src/engine/contract.ts'
import { SharedCounts, type CounterIndex } from '../../src/engine/counts.ts'
import type { Instance } from '../../src/engine/instance.ts'
import { engineParts } from '../../src/engine/parts.ts'
import { Pool, type Lease, type PoolOptions } from '../../src/engine/pool.ts'
import { createInstance, instanceSource, type Material } from '../../src/engine/prepare.ts'

const INDEX = 0 as CounterIndex
const never = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!done()) {
    if (performance.now() > deadline) throw new Error('waited too long')
    await turn()
  }
}

const SPEC: FunctionSpec = {
  name: 'pooled',
  limits: { ...CHEAP, timeoutMs: 2_000 },
  variables: [],
  concurrency: 4,
  minInstances: 0,
  idleMs: 60_000,
}

describe('a pool', () => {
  const lane = new TestLane('copy')
  const parts = engineParts('copy')
  const pools: Pool[] = []
  let material: Material
  let counts: SharedCounts
  /** What the pool asked others to give up. */
  let evictions: string[]
  let created: number

  beforeAll(async () => {
    material = await lane.prepare(await guest('hostile'), SPEC)
  })
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()))
    // Whatever happened: nothing is held when all is closed.
    const held = [counts.running(INDEX), counts.alive(INDEX), counts.reservedKib]
    if (held.some((count) => count !== 0)) throw new Error(`still held: ${held.join(', ')}`)
  })

  const instance = (spec: FunctionSpec): Promise<Instance> =>
    createInstance(instanceSource(spec, material, parts, lane.scheduler), material, parts)

  const open = (options: Partial<PoolOptions> = {}, shared = new SharedCounts(1, 0)): Pool => {
    counts = shared
    evictions = []
    created = 0
    const spec = options.spec ?? SPEC
    const pool = new Pool({
      spec,
      index: INDEX,
      counts,
      minInstances: spec.minInstances,
      instanceKib: 100,
      ceilingKib: 10_000,
      verifyEvery: 1,
      restorable: true,
      create: () => {
        created++
        return instance(spec)
      },
      requestEviction: (scarce) => evictions.push(scarce),
      ...options,
    })
    pools.push(pool)
    return pool
  }

  const run = async (lease: Lease, action: Parameters<typeof hostileInput>[0] = 'length', n = 0): Promise<unknown> =>
    lease.instance.runEvent(hostileInput(action, n), context(), 1_000, 3_000_000n).catch((error: unknown) => error)

  /** An invocation from admission to the end. */
  const use = async (pool: Pool, action?: Parameters<typeof hostileInput>[0], n?: number): Promise<Lease> => {
    const lease = await pool.acquire(never)
    await run(lease, action, n)
    pool.release(lease)
    return lease
  }

  it.each(['on demand', 'ahead'])('creates at most one instance in a turn of the event loop, %s', async (when) => {
    const turns: number[] = []
    let now = 0
    const ticking = { on: true }
    const tick = (): void => {
      now++
      if (ticking.on) setImmediate(tick)
    }
    tick()
    const pool = open({
      spec: when === 'ahead' ? { ...SPEC, minInstances: 4 } : SPEC,
      create: () => {
        turns.push(now)
        return instance(SPEC)
      },
    })
    await pool.prewarm()
    const leases = await Promise.all(Array.from({ length: 4 }, async () => pool.acquire(never)))
    ticking.on = false
    expect(turns).toHaveLength(4)
    expect(new Set(turns).size).toBe(4)
    for (const lease of leases) {
      await run(lease)
      pool.release(lease)
    }
  })

  it('makes its minimum ready, and serves from it without creating', async () => {
    const pool = open({ spec: { ...SPEC, minInstances: 2 } })
    await pool.prewarm()
    expect([pool.size, pool.idle, created]).toEqual([2, 2, 2])
    expect((await use(pool)).fresh).toBe(false)
    expect([pool.size, created]).toEqual([2, 2])
  })

  it('uses an instance again, and tells the restore that went before', async () => {
    const pool = open()
    expect(await use(pool)).toMatchObject({ fresh: true, restoreMs: 0 })
    const second = await use(pool)
    expect(second.fresh).toBe(false)
    expect(second.restoreMs).toBeGreaterThan(0)
    expect(created).toBe(1)
  })

  it('refuses at once what is beyond the concurrency', async () => {
    const pool = open()
    const leases = await Promise.all(Array.from({ length: 4 }, async () => pool.acquire(never)))
    expect(() => pool.acquire(never)).toThrow(expect.objectContaining({ code: 'TooManyRequests' }) as Error)
    for (const lease of leases) {
      await run(lease)
      pool.release(lease)
    }
    await use(pool)
  })

  it('serves those who wait in their order, by instances that come free as by new ones', async () => {
    const gates: (() => void)[] = []
    const pool = open({
      create: async () => {
        await new Promise<void>((resolve) => gates.push(resolve))
        return instance(SPEC)
      },
    })
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (number) => {
      const lease = await pool.acquire(never)
      order.push(number)
      await run(lease)
      pool.release(lease)
    })
    await until(() => gates.length === 1)
    expect(order).toEqual([])
    gates[0]?.()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
    // A second one may have been begun meanwhile.
    await until(() => gates.length <= 2)
    for (const open of gates) open()
    await turn()
  })

  it('forgets a client that goes away while it waits, or was gone before', async () => {
    const gates: (() => void)[] = []
    const pool = open({
      create: async () => {
        await new Promise<void>((resolve) => gates.push(resolve))
        return instance(SPEC)
      },
    })
    const controller = new AbortController()
    const gone = Promise.resolve(pool.acquire(controller.signal)).catch((error: unknown) => error)
    const patient = Promise.resolve(pool.acquire(never))
    await until(() => gates.length === 1)
    controller.abort()
    expect(await gone).toMatchObject({ code: 'Cancelled' })
    expect(await Promise.resolve(pool.acquire(controller.signal)).catch((error: unknown) => error)).toMatchObject({
      code: 'Cancelled',
    })
    expect(counts.running(INDEX)).toBe(1)
    gates[0]?.()
    const lease = await patient
    await run(lease)
    pool.release(lease)
  })

  it('lets idle instances go after their time, down to the minimum', async () => {
    const pool = open({ spec: { ...SPEC, minInstances: 1, idleMs: 50 } })
    const leases = await Promise.all([1, 2, 3].map(async () => pool.acquire(never)))
    for (const lease of leases) {
      await run(lease)
      pool.release(lease)
    }
    expect(pool.size).toBe(3)
    await until(() => pool.size === 1)
    for (let n = 0; n < 5; n++) await turn()
    expect(pool.size).toBe(1)
  })

  it('gives up what it keeps ready to others, but not what is provisioned', async () => {
    const pool = open({ spec: { ...SPEC, minInstances: 1 } })
    await pool.prewarm()
    expect(pool.evict()).toBe(true)
    await pool.provision(2, 2)
    expect([pool.idle, pool.evict(), pool.idle]).toEqual([2, false, 2])
    await pool.provision(0, 0)
    expect([pool.evict(), pool.evict(), pool.evict()]).toEqual([true, true, false])
  })

  it('has others give up memory for what is provisioned', async () => {
    const pool = open({
      ceilingKib: 100,
      requestEviction: (scarce) => {
        evictions.push(scarce)
        counts.reserve(-50, 100)
      },
    })
    counts.reserve(50, 100)
    await pool.provision(1, 1)
    expect([pool.idle, evictions]).toEqual([1, ['memory']])
  })

  it('waits for memory, and says so when none came free in time', async () => {
    const pool = open({ ceilingKib: 150, spec: { ...SPEC, limits: { ...CHEAP, timeoutMs: 60 } } })
    const lease = await pool.acquire(never)
    await expect(pool.acquire(never)).rejects.toMatchObject({ code: 'HostCapacity' })
    expect(new Set(evictions)).toEqual(new Set(['memory']))
    const waiting = pool.acquire(never)
    await run(lease)
    pool.release(lease)
    const next = await waiting
    expect(next.instance).toBe(lease.instance)
    await run(next)
    pool.release(next)
  })

  it('asks the other lanes for an instance only when an invocation waits for it', async () => {
    const shared = new SharedCounts(1, 0)
    for (let n = 0; n < 4; n++) shared.create(INDEX, 4)
    const pool = open({ spec: { ...SPEC, minInstances: 2 } }, shared)
    await pool.prewarm()
    expect([pool.size, evictions.length]).toEqual([0, 0])
    const waiting = pool.acquire(never)
    await until(() => evictions.length > 0)
    expect(evictions[0]).toBe('instances')
    shared.destroy(INDEX)
    const lease = await waiting
    await run(lease)
    pool.release(lease)
    for (let n = 0; n < 3; n++) shared.destroy(INDEX)
  })

  it('tells one who waits that an instance could not be made, and waits longer after each failure', async () => {
    let attempts = 0
    const pool = open({
      create: () => {
        attempts++
        return attempts <= 2 ? Promise.reject(new Error(`no instance ${attempts}`)) : instance(SPEC)
      },
    })
    const outcomes = [1, 2, 3].map((number) =>
      Promise.resolve(pool.acquire(never)).then(
        async (lease) => {
          await run(lease)
          pool.release(lease)
          return `served ${number}`
        },
        (error: Error) => error.message,
      ),
    )
    await until(() => attempts === 1)
    // Turns go by without another attempt.
    for (let n = 0; n < 10; n++) await turn()
    expect(attempts).toBe(1)
    expect(await Promise.all(outcomes)).toEqual(['no instance 1', 'no instance 2', 'served 3'])
    expect(attempts).toBe(3)
  })

  it('throws away an instance whose restore cannot be vouched for, and replaces it', async () => {
    const pool = open({ spec: { ...SPEC, minInstances: 1 } })
    await pool.prewarm()
    // Copies do not undo growth.
    const lease = await use(pool, 'hideInGrown', 2)
    expect(lease.instance.state).toBe('discarded')
    await until(() => pool.idle === 1)
    expect(created).toBe(2)
    expect((await use(pool)).instance).not.toBe(lease.instance)
  })

  it('uses no instance twice when it is not restorable', async () => {
    const pool = open({ restorable: false })
    const [first, second] = [await use(pool), await use(pool)]
    expect(first.instance).not.toBe(second.instance)
    expect([first.instance.state, pool.size]).toEqual(['discarded', 0])
  })

  it('closes when what runs has ended, and admits nothing from then on', async () => {
    const pool = open({ spec: { ...SPEC, minInstances: 2 } })
    await pool.prewarm()
    const lease = await pool.acquire(never)
    const closed = pool.close()
    expect(() => pool.acquire(never)).toThrow(expect.objectContaining({ code: 'ShuttingDown' }) as Error)
    // What is idle is let go at once, for the sake of whoever comes after.
    expect(pool.size).toBe(1)
    await run(lease)
    pool.release(lease)
    await closed
    expect([pool.size, counts.alive(INDEX)]).toEqual([0, 0])
  })
})
