import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The host, killed 100 times unless AMPOULE_CRASHES says otherwise. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/crash/*.test.ts'],
    env: { AMPOULE_CRASHES: process.env['AMPOULE_CRASHES'] ?? '100' },
  },
})
