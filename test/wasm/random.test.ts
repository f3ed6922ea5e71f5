import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { compare } from './differential.ts'
import { FEATURE_SETS, ModuleGenerator, seededBytes } from './random-modules.ts'

/** `AMPOULE_FUZZ_MODULES=100000 AMPOULE_FUZZ_SEED=7` makes a long run of it. */
const MODULES = Number(process.env['AMPOULE_FUZZ_MODULES'] ?? 1000)
const SEED = Number(process.env['AMPOULE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
const SECONDS_PER_MODULE = 0.5

const generator = new ModuleGenerator()
afterAll(() => generator.close())

test(
  `random modules behave as before, burn the same fuel in every fresh and restored instance, and stop when it is out (seed ${SEED})`,
  async () => {
    const sets = Object.entries(FEATURE_SETS)
    const skipped = new Map<string, number>()
    const total = { compared: 0, calls: 0, traps: 0, restored: 0 }
    for (let i = 0; i < MODULES; i++) {
      const [name, flags] = sets[i % sets.length]!
      const bytes = await generator.make(seededBytes(SEED + i, 1000 + ((SEED + i * 137) % 6000)), flags)
      const skip = (why: string): unknown => skipped.set(why, (skipped.get(why) ?? 0) + 1)
      if (bytes === undefined) {
        skip('the generator gave up')
        continue
      }
      try {
        const outcome = compare(bytes)
        if (outcome.skipped !== undefined) skip(outcome.skipped)
        else total.compared++
        total.calls += outcome.calls
        total.traps += outcome.traps
        if (outcome.restored) total.restored++
      } catch (error) {
        const path = join(tmpdir(), `ampoule-random-${name}-${SEED + i}.wasm`)
        writeFileSync(path, bytes)
        throw new Error(`module ${i} of seed ${SEED} (${name}, kept as ${path})`, { cause: error })
      }
    }
    process.stderr.write(
      `random modules: seed ${SEED}, ${JSON.stringify(total)}, skipped ${JSON.stringify(Object.fromEntries(skipped))}\n`,
    )
    expect(total.compared).toBeGreaterThan(MODULES * 0.8)
    expect(total.restored).toBeGreaterThan(MODULES * 0.4)
    expect(total.traps).toBeGreaterThan(0)
  },
  60_000 + MODULES * SECONDS_PER_MODULE * 1000,
)
