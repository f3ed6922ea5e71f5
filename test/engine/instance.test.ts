import { beforeAll, describe, expect, it } from 'vitest'
import { CHEAP, context, strategies, TestLane } from './lane.ts'
import { guest } from '../guests/index.ts'
import { hostileAnswer, hostileInput, type HostileAction } from '../guests/hostile.ts'
import { componentForWorld, REALLOC, registers, scriptedGuest, Script } from '../guests/scripted.ts'
import type { FunctionSpec } from '../../src/engine/contract.ts'
import type { WasiEnvironment } from '../../src/wasi/contract.ts'
import { Instance, type InstanceSource } from '../../src/engine/instance.ts'
import { engineParts } from '../../src/engine/parts.ts'
import { createInstance, instanceSource, type Material } from '../../src/engine/prepare.ts'

const SPEC: FunctionSpec = { name: 'one', limits: CHEAP, variables: [], concurrency: 1, minInstances: 0, idleMs: 60_000 }
const FUEL = 3_000_000n

describe.each(strategies)('an instance, restored by "%s"', (restore) => {
  const lane = new TestLane(restore)
  const parts = engineParts(restore)
  let material: Material
  let source: InstanceSource

  beforeAll(async () => {
    material = await lane.prepare(await guest('hostile'), SPEC)
    source = instanceSource(SPEC, material, parts, lane.scheduler)
  })

  const make = (): Promise<Instance> => createInstance(source, material, parts)
  const run = (
    instance: Instance,
    action: HostileAction,
    n = 0,
  ): Promise<{ readonly ok: boolean; readonly payload: Uint8Array }> =>
    instance.runEvent(hostileInput(action, n), context(), 1_000, FUEL)

  it('goes from ready through running and unknown back to ready', async () => {
    const instance = await make()
    expect(instance.state).toBe('ready')
    const running = run(instance, 'length')
    expect(instance.state).toBe('running')
    await running
    expect(instance.state).toBe('unknown')
    expect(instance.restore(true)).toBe(true)
    expect(instance.state).toBe('ready')
    instance.discard()
    expect(instance.state).toBe('discarded')
  })

  it('serves once when it draws random numbers while it is initialised, and no image of its memory is taken for that', async () => {
    const begin = '(i64.store (i32.const 0x1900) (call $get-random-u64))'
    const drawing = await lane.prepare(await scriptedGuest({ extra: `(func $begin ${begin}) (start $begin)` }), SPEC)
    expect(drawing.mode).toBe('fresh')
    let images = 0
    const counting = {
      ...parts,
      strategy: {
        ...parts.strategy,
        capture: (...given: Parameters<typeof parts.strategy.capture>) => {
          images++
          return parts.strategy.capture(...given)
        },
      },
    }
    const instance = await createInstance(instanceSource(SPEC, drawing, counting, lane.scheduler), drawing, counting)
    expect(instance.state).toBe('ready')
    const grow = new Script()
    grow.do('grow', 2)
    const size = grow.do('size')
    const { payload } = await instance.runEvent(grow.event(), context(), 1_000, FUEL)
    expect(registers(payload)(size)).toBe(19n)
    expect(instance.restore(true)).toBe(false)
    expect(instance.state).toBe('discarded')
    expect(images).toBe(0)
  })

  it('is thrown away when a full comparison finds what a restore has left behind', async () => {
    const { strategy } = parts
    const lying = {
      ...parts,
      strategy: {
        ...strategy,
        attach: (...given: Parameters<typeof strategy.attach>) =>
          Object.assign(strategy.attach(...given), { restore: () => true }),
      },
    }
    const instance = await createInstance(instanceSource(SPEC, material, lying, lane.scheduler), material, lying)
    await run(instance, 'hide', 7)
    expect(instance.restore(true)).toBe(false)
    expect(instance.state).toBe('discarded')
  })

  it.each(['fails', 'throws'])('is thrown away when the restore of its memory %s', async (how) => {
    const { strategy } = parts
    const restore = (): boolean => {
      if (how === 'throws') throw new Error('a system call failed')
      return false
    }
    const failing = {
      ...parts,
      strategy: {
        ...strategy,
        attach: (...given: Parameters<typeof strategy.attach>) => Object.assign(strategy.attach(...given), { restore }),
      },
    }
    const instance = await createInstance(instanceSource(SPEC, material, failing, lane.scheduler), material, failing)
    await run(instance, 'length')
    expect(instance.restore(false)).toBe(false)
    expect(instance.state).toBe('discarded')
  })

  it('refuses to be used in the wrong state', async () => {
    const instance = await make()
    const running = run(instance, 'length')
    const second = run(instance, 'length').catch((error: unknown) => error)
    expect(() => instance.restore(false)).toThrow(/running/)
    expect(() => instance.adopt(instance.capture())).toThrow(/running/)
    expect(await second).toMatchObject({ code: 'Internal' })
    await running
    await expect(run(instance, 'length')).rejects.toMatchObject({ code: 'Internal' })
    instance.discard()
    await expect(run(instance, 'length')).rejects.toMatchObject({ code: 'Internal' })
  })

  it('shares its beginning with the others of the same snapshot, and nothing else', async () => {
    const [first, second] = [await make(), await make()]
    await run(first, 'hide', 7)
    expect(hostileAnswer((await run(second, 'seek')).payload)).toBe(0n)
    expect(first.restore(true)).toBe(true)
    expect(hostileAnswer((await run(first, 'seek')).payload)).toBe(0n)
    expect(second.restore(true)).toBe(true)
    // One that is gone takes nothing from those that stay.
    first.discard()
    expect(hostileAnswer((await run(second, 'seek')).payload)).toBe(0n)
    second.discard()
  })

  it.each([
    ['trap', 'FunctionTrapped'],
    ['loop', 'FuelExhausted'],
    ['recurse', 'FunctionTrapped'],
    ['outside', 'FunctionTrapped'],
    ['hideAndTrap', 'FunctionTrapped'],
  ] as const)('is restored after %s like after any other end', async (action, code) => {
    const instance = await make()
    await expect(run(instance, action)).rejects.toMatchObject({ code })
    expect(instance.restore(true)).toBe(true)
    expect(hostileAnswer((await run(instance, 'seek')).payload)).toBe(0n)
    instance.discard()
  })

  it('ends by its deadline', async () => {
    const instance = await make()
    const running = instance.runEvent(hostileInput('loop'), context(), 20, 1_000_000_000_000n)
    await expect(running).rejects.toMatchObject({ code: 'DeadlineExceeded', message: expect.stringContaining('20 ms') as string })
    expect(instance.restore(true)).toBe(true)
    instance.discard()
  })

  it('does nothing for a client that was gone before', async () => {
    const instance = await make()
    const running = instance.runEvent(hostileInput('hide', 3), context(AbortSignal.abort()), 1_000, FUEL)
    await expect(running).rejects.toMatchObject({ code: 'Cancelled' })
    expect(instance.restore(true)).toBe(true)
    instance.discard()
  })

  it('counts fuel and memory of one invocation at a time', async () => {
    const instance = await make()
    await run(instance, 'spin', 1000)
    const [fuel, bytes] = [instance.fuelUsed, instance.peakBytes]
    expect(fuel).toBeGreaterThan(1000n)
    expect(instance.restore(false)).toBe(true)
    await run(instance, 'spin', 10_000)
    expect(instance.fuelUsed).toBeGreaterThan(fuel * 5n)
    expect(instance.restore(false)).toBe(true)
    await run(instance, 'hideInGrown', 4)
    expect(instance.peakBytes).toBe(bytes + 4 * 65_536)
    if (instance.restore(true)) {
      await run(instance, 'spin', 1000)
      expect([instance.fuelUsed, instance.peakBytes]).toEqual([fuel, bytes])
    }
  })

  it('takes grown memory from the ceiling of the host and gives it back', async () => {
    const taken: number[] = []
    const instance = await createInstance({ ...source, reserve: (bytes) => taken.push(bytes) > 0 }, material, parts)
    await run(instance, 'hideInGrown', 4)
    expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBe(4 * 65_536)
    instance.restore(true)
    expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBe(0)
    const refused = await createInstance({ ...source, reserve: (bytes) => bytes < 0 }, material, parts)
    expect(hostileAnswer((await run(refused, 'growMemory', 1)).payload)).toBe(17n)
  })

  it('says which limit an initial memory is beyond', async () => {
    const small = { ...SPEC, limits: { ...CHEAP, memoryMb: 1 } }
    expect(() => new Instance(instanceSource(small, material, parts, lane.scheduler))).toThrow(
      expect.objectContaining({ code: 'MemoryExceeded', message: expect.stringContaining('memoryMb') as string }) as Error,
    )
  })

  it('has no way in that its component does not export', async () => {
    const instance = await make()
    const request = { method: 'GET', scheme: 'http', authority: 'a', pathWithQuery: '/', headers: [], body: null }
    expect(() => instance.startHttp(request, context(), 100, FUEL)).toThrow(/wasi:http/)
    expect(instance.state).toBe('ready')
    instance.discard()
    const runner = await lane.deploy(
      'http only',
      await componentForWorld(
        `(module (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)))`,
        'export wasi:http/incoming-handler@0.2.12;',
      ),
    )
    // As often as it likes: nothing is held by what was refused.
    for (let n = 0; n < 20; n++)
      await expect(runner.invokeEvent(new Uint8Array(1), context())).rejects.toMatchObject({ code: 'InvalidRequest' })
  })

  it('names a wait in code that cannot be suspended as the guest’s mistake', async () => {
    const runner = await lane.deploy('waits', await scriptedGuest())
    const event = new Script().event(60_000 + REALLOC.wait)
    await expect(runner.invokeEvent(event, context())).rejects.toMatchObject({
      code: 'FunctionTrapped',
      message: expect.stringContaining('suspended') as string,
    })
  })
})

it('a guest whose stack does not unwind after its deadline is reported to its lane', async () => {
  const lane = new TestLane('copy')
  const parts = engineParts('copy')
  // A mistake of the host: a wait that nothing ends.
  const deaf = {
    ...parts,
    createWasi: (environment: WasiEnvironment) =>
      parts.createWasi({ ...environment, suspend: () => new Promise<never>(() => {}) }),
  }
  const material = await lane.prepare(await scriptedGuest(), SPEC)
  const { promise: reported, resolve: stuck } = Promise.withResolvers<void>()
  const source = instanceSource(SPEC, material, deaf, lane.scheduler, { reserve: () => true, stuck })
  const instance = await createInstance(source, material, deaf)
  const waiting = new Script()
  waiting.call('wasi:io/poll#[method]pollable.block', waiting.call('wasi:clocks/monotonic-clock#subscribe-duration', 1n << 60n))
  void instance.runEvent(waiting.event(), context(), 20, FUEL)
  await reported
  expect(instance.state).toBe('running')
})
