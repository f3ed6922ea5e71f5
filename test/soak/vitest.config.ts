import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The hostile guests, 10,000 rounds of each (100 of the slow ones) unless AMPOULE_ROUNDS says otherwise; the process must not grow. And the
 * packages, installed as users do. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/engine/hostile*.test.ts', 'test/packages/*.soak.ts'],
    testTimeout: 3_600_000,
    env: { AMPOULE_ROUNDS: process.env['AMPOULE_ROUNDS'] ?? '10000' },
    fileParallelism: false,
  },
})
