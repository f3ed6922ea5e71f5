import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The hostile guests, 10,000 rounds of each (100 of the slow ones); the process must not grow. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: ['test/engine/hostile*.test.ts'],
      testTimeout: 3_600_000,
      env: { AMPOULE_ROUNDS: '10000' },
      fileParallelism: false,
    },
  }),
)
