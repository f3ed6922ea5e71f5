import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { hostileInput } from '../guests/hostile.ts'
import { guest } from '../guests/index.ts'
import { context, strategies, TestLane } from './lane.ts'

const images = (): number =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('ampoule-snapshot') && line.includes('r--s')).length

describe.runIf((strategies as readonly string[]).includes('dirty-pages'))(
  'the image of an instance that has a snapshot of its own',
  () => {
    const lane = new TestLane('dirty-pages')
    afterAll(() => lane.close())

    it('is released when the instance is discarded', async () => {
      // Its v128 and reference globals cannot be carried between instances.
      const runner = await lane.deploy('hostile', await guest('hostile'))
      const before = images()
      expect(before).toBeGreaterThan(0)
      // Tables that grew make the engine discard the instance.
      for (let i = 0; i < 20; i++) await runner.invokeEvent(hostileInput('hideAndDrop', 7), context())
      await runner.invokeEvent(hostileInput('seek'), context())
      expect(images()).toBe(before)
    })
  },
)
