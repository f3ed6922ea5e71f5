import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guest } from '../guests/index.ts'
import { HIDING_PLACES, hostileAnswer, hostileInput, type HostileAction } from '../guests/hostile.ts'
import { AmpouleError, type ErrorCode } from '../../src/errors.ts'
import { createArtifact } from '../../src/component/artifact.ts'
import { Instance } from '../../src/engine/instance.ts'
import { engineParts } from '../../src/engine/parts.ts'
import { instanceSource } from '../../src/engine/prepare.ts'
import { isSupported } from '../../src/wasi/index.ts'
import { chooseStrategy } from '../../src/engine/restore/index.ts'
import type { Runner } from '../../src/engine/runner.ts'
import { context, TestLane } from './lane.ts'
import { Growth, Latencies, MAX_GROWTH_BYTES, ROUNDS } from './rounds.ts'

const SLOW_ROUNDS = Math.max(2, Math.floor(ROUNDS / 100))

type Outcome = { readonly error: ErrorCode } | { readonly answer?: bigint }

interface Attack {
  readonly action: HostileAction
  readonly n?: number
  readonly outcome: Outcome
  readonly slow?: boolean
  /** Ends the invocation by its deadline instead of its fuel. */
  readonly by?: 'deadline'
}

const ATTACKS: Record<string, Attack> = {
  'an endless loop': { action: 'loop', outcome: { error: 'FuelExhausted' } },
  'an endless loop until the deadline': { action: 'loop', by: 'deadline', slow: true, outcome: { error: 'DeadlineExceeded' } },
  'endless recursion': { action: 'recurse', outcome: { error: 'FunctionTrapped' } },
  'endless tail calls': { action: 'tailCall', outcome: { error: 'FuelExhausted' } },
  'a memory.grow bomb': { action: 'growMemory', n: 16, outcome: {} },
  'huge memory.fill': { action: 'fill', n: 1e9, outcome: { error: 'FuelExhausted' } },
  'table growth': { action: 'growTables', n: 10_000, outcome: { error: 'FuelExhausted' } },
  'table growth in small steps': { action: 'growTables', n: 1, outcome: { error: 'FuelExhausted' } },
  'a giant response': { action: 'giant', n: 2_000_000, outcome: { error: 'ResponseTooLarge' } },
  'an answer outside its memory': { action: 'outside', outcome: { error: 'FunctionTrapped' } },
  'a result that is neither ok nor err': { action: 'badTag', outcome: { error: 'InvalidResponse' } },
  'an error that is no message': { action: 'garbageError', outcome: { error: 'FunctionError' } },
  'a trap': { action: 'trap', outcome: { error: 'FunctionTrapped' } },
  'secrets everywhere': { action: 'hide', n: 7, outcome: {} },
  'secrets, then a trap': { action: 'hideAndTrap', n: 7, outcome: { error: 'FunctionTrapped' } },
  'secrets, then an endless loop': { action: 'hideAndLoop', n: 7, outcome: { error: 'FuelExhausted' } },
  'secrets, then dropped segments and grown tables': { action: 'hideAndDrop', n: 7, outcome: {} },
  'secrets in grown memory': { action: 'hideInGrown', n: 20, outcome: {} },
  'deep but finite recursion': { action: 'recurse', n: 1000, outcome: {} },
}

const strategies = ['copy', ...(chooseStrategy('auto').strategy.name === 'dirty-pages' ? ['dirty-pages' as const] : [])] as const

describe.each(strategies)('a hostile guest, restored by "%s"', (restore) => {
  const lane = new TestLane(restore)
  let hostile: Runner
  let late: Runner
  let neighbour: Runner

  beforeAll(async () => {
    const component = await guest('hostile')
    hostile = await lane.deploy('hostile', component)
    late = await lane.deploy('late', component, { limits: { timeoutMs: 25, fuel: 1_000_000_000_000n } })
    neighbour = await lane.deploy('neighbour', await guest('hostile'))
  })
  afterAll(() => lane.close())

  const ask = async (runner: Runner, action: HostileAction, n = 0): Promise<bigint> =>
    hostileAnswer((await runner.invokeEvent(hostileInput(action, n), context())).payload)

  /** A machine that stands still for longer than the short deadline says nothing about the guest: it is asked again. */
  const sought = async (runner: Runner): Promise<bigint> => {
    for (;;) {
      const found = await ask(runner, 'seek').catch((error: unknown) => error)
      if (typeof found === 'bigint') return found
      if (runner !== late || !(found instanceof AmpouleError) || found.code !== 'DeadlineExceeded') throw found
    }
  }

  /** Calls the neighbour over and over until `done` settles. */
  const whileServed = async (title: string, done: Promise<unknown>): Promise<void> => {
    const latencies = new Latencies()
    const state = { running: true }
    const ended = done.finally(() => (state.running = false))
    // Reported below, by the await; until then it is not unhandled.
    ended.catch(() => {})
    while (state.running) {
      expect(await latencies.time(() => ask(neighbour, 'seek'))).toBe(0n)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    latencies.tell(`${restore}: neighbour of ${title}`)
  }

  it.each(Object.entries(ATTACKS))('is contained: %s', async (name, { action, n = 0, outcome, slow, by }) => {
    const runner = by === 'deadline' ? late : hostile
    const rounds = slow === true ? SLOW_ROUNDS : ROUNDS
    const growth = new Growth(rounds)
    const attack = async (): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        const result = await ask(runner, action, n).catch((error: unknown) => error)
        if ('error' in outcome) {
          expect(result).toBeInstanceOf(AmpouleError)
          expect((result as AmpouleError).code).toBe(outcome.error)
        } else expect(result).toBeTypeOf('bigint')
        // Nothing of it is there in the next invocation, whichever instance serves it.
        expect(await sought(runner)).toBe(0n)
        await new Promise((resolve) => setImmediate(resolve))
        growth.after(round)
      }
    }
    await whileServed(name, attack())
    expect(lane.stuck).toBe(0)
    expect(growth.bytes).toBeLessThan(MAX_GROWTH_BYTES)
  })

  it('would find its secrets again if nothing were restored', async () => {
    const parts = engineParts(restore)
    const artifact = createArtifact(await guest('hostile'), { isSupported })
    const modules = await Promise.all(artifact.modules.map(({ bytes }) => WebAssembly.compile(bytes)))
    const material = {
      plan: artifact.plan,
      modules,
      reports: artifact.modules.map(({ report }) => report),
      initialisation: artifact.modules,
    }
    const instance = new Instance(instanceSource(hostile.spec, material, parts, lane.scheduler))
    const run = async (action: HostileAction): Promise<bigint> => {
      const { payload } = await instance.runEvent(hostileInput(action, 7), context(), 5_000, 100_000_000n)
      instance.keep()
      return hostileAnswer(payload)
    }
    expect(await run('seek')).toBe(0n)
    await run('hide')
    const { memory, i32, i64, f32, f64, v128, funcref, tableEntries } = HIDING_PLACES
    expect(await run('seek')).toBe(BigInt(memory | i32 | i64 | f32 | f64 | v128 | funcref | tableEntries))
  })

  it('finds zeros in memory that an earlier invocation had grown and written', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await ask(hostile, 'hideInGrown', 20)
      expect(await ask(hostile, 'seekInGrown', 30)).toBe(0n)
    }
  })

  it('has its segments back after an invocation that dropped them', async () => {
    for (let round = 0; round < 20; round++) {
      await ask(hostile, 'hideAndDrop', 3)
      expect(await ask(hostile, 'useSegments')).toBe(1n)
    }
  })

  it('burns the same fuel for the same work on a fresh and on a restored instance', async () => {
    const used = new Set<bigint>()
    for (let round = 0; round < 30; round++)
      used.add((await hostile.invokeEvent(hostileInput('spin', 5_000), context())).report.fuelUsed)
    const fresh = await lane.deploy('fresh', await guest('hostile'), { minInstances: 0 })
    for (let round = 0; round < 3; round++)
      used.add((await fresh.invokeEvent(hostileInput('spin', 5_000), context())).report.fuelUsed)
    expect(used.size).toBe(1)
  })

  it('cannot take more memory than its limit, in many instances at once', async () => {
    const greedy = await lane.deploy('greedy', await guest('hostile'), { concurrency: 8, limits: { memoryMb: 32 } })
    const held = lane.counts.reservedKib
    const attack = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const pages = await Promise.all(Array.from({ length: 8 }, () => ask(greedy, 'growMemory', 1)))
        // All but what the table entries take, of a limit that is less than two such memories.
        for (const count of pages) {
          expect(count).toBeGreaterThan(500n)
          expect(count).toBeLessThanOrEqual(512n)
        }
      }
    }
    await whileServed('memory just under the limit in many instances', attack())
    // What they had grown is given back; what is left is what ready instances count for.
    expect(lane.counts.reservedKib - held).toBeLessThan(8 * 4 * 1024)
    expect(await ask(greedy, 'seek')).toBe(0n)
  })

  it('cannot have more table entries than its memory limit pays for, however much fuel it has', async () => {
    const limits = { fuel: 10_000_000_000n, timeoutMs: 30_000 }
    const greedy = await lane.deploy('greedy tables', await guest('hostile'), { limits })
    const attack = async (): Promise<void> => {
      for (let round = 0; round < SLOW_ROUNDS; round++) {
        const entries = await ask(greedy, 'growTables', 10_000)
        expect(entries).toBeGreaterThan(400_000n)
        expect(entries).toBeLessThanOrEqual((16n * 1024n * 1024n) / 32n)
        expect(await ask(greedy, 'seek')).toBe(0n)
      }
    }
    await whileServed('tables up to the memory limit', attack())
  })

  it('is cancelled when the client goes away, in the middle of a loop', async () => {
    const controller = new AbortController()
    const running = late.invokeEvent(hostileInput('loop'), context(controller.signal)).catch((error: unknown) => error)
    setImmediate(() => controller.abort())
    expect(await running).toMatchObject({ code: expect.stringMatching(/Cancelled|DeadlineExceeded/) as string })
    expect(await ask(late, 'seek')).toBe(0n)
  })

  it('is refused beyond its concurrency, and others are not', async () => {
    const single = await lane.deploy('single', await guest('hostile'), { concurrency: 1, limits: { fuel: 100_000_000n } })
    const running = ask(single, 'loop').catch((error: unknown) => error)
    expect(() => single.pool.acquire(new AbortController().signal)).toThrow(/"concurrency"/)
    expect(await ask(neighbour, 'length')).toBeTypeOf('bigint')
    expect(await running).toMatchObject({ code: 'FuelExhausted' })
    expect(lane.counts.running(lane.runners.indexOf(single) as never)).toBe(0)
  })
})
