import { expect } from 'vitest'

/** Rounds of each attack; the soak (test/soak) asks for many more. */
export const ROUNDS = Number(process.env['AMPOULE_ROUNDS'] ?? 200)
const SOAK = ROUNDS >= 5_000
/** What the process may hold more at the end of a soak than after its first fifth. */
const MAX_GROWTH_BYTES = 128 * 1024 * 1024

/** Whether the process grows over the rounds of one attack. Only a soak can tell: in less, caches and pools still fill. */
export class Growth {
  readonly #rounds: number
  #settled: number | undefined

  constructor(rounds: number) {
    this.#rounds = rounds
  }

  /** To be called in every round, counted from 0. */
  after(round: number): void {
    if (SOAK && round === Math.floor(this.#rounds / 5)) this.#settled = resident()
  }

  expectNone(): void {
    if (!SOAK) return
    expect(this.#settled, 'the process was measured in between').toBeDefined()
    expect(resident() - this.#settled!).toBeLessThan(MAX_GROWTH_BYTES)
  }
}

function resident(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss
}
