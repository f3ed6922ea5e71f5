import { defineConfig } from 'vitest/config'
import { NoSkips } from './test/no-skips.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/soak/**', '**/node_modules/**'],
    reporters: ['default', new NoSkips()],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    execArgv: ['--expose-gc', '--wasm-lazy-validation', '--disable-warning=ExperimentalWarning'],
  },
})
