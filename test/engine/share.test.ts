import { afterEach, expect, it } from 'vitest'
import { guest } from '../guests/index.ts'
import { hostileInput } from '../guests/hostile.ts'
import { context, TestLane } from './lane.ts'

let lane: TestLane | undefined
afterEach(() => lane?.close())

it('gives functions that contend for a lane parts of its time in proportion to their memory', async () => {
  const own = (lane = new TestLane())
  const component = await guest('hostile')
  const done = { small: 0, large: 0 }
  const ends = new AbortController()
  /** A function without pause, each invocation of which does the same work. */
  const hog = async (name: keyof typeof done, memoryMb: number): Promise<() => Promise<void>> => {
    const runner = await own.deploy(name, component, { limits: { memoryMb, fuel: 10_000_000n, timeoutMs: 60_000 } })
    return async () => {
      for (; !ends.signal.aborted; done[name]++)
        await expect(runner.invokeEvent(hostileInput('loop'), context())).rejects.toMatchObject({ code: 'FuelExhausted' })
    }
  }
  const hogs = [await hog('small', 128), await hog('large', 1024)]
  const running = Promise.all(hogs.map((run) => run()))
  // Until then code of both may be slow, and not of both alike.
  await expect.poll(() => done.small, { timeout: 60_000 }).toBeGreaterThan(20)
  const before = { ...done }
  await expect.poll(() => done.small - before.small, { timeout: 60_000 }).toBeGreaterThan(40)
  const ratio = (done.large - before.large) / (done.small - before.small)
  ends.abort()
  await running
  expect(ratio).toBeGreaterThan(6)
  expect(ratio).toBeLessThan(10.5)
})
