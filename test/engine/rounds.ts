/** Rounds of each attack; the soak (test/soak) asks for many more. */
export const ROUNDS = Number(process.env['AMPOULE_ROUNDS'] ?? 200)
/** Takes so long that a machine may well be put to sleep, or the process be stopped, in the middle of it. */
export const SOAK = ROUNDS >= 5_000
/** What the process may hold more at the end of a soak than after its first fifth. */
export const MAX_GROWTH_BYTES = 128 * 1024 * 1024

/** How much the process grows over the rounds of one attack. Only a soak can tell: in less, caches and pools still fill. */
export class Growth {
  readonly #rounds: number
  #settled = Number.NaN

  constructor(rounds: number) {
    this.#rounds = rounds
  }

  /** To be called in every round, counted from 0. */
  after(round: number): void {
    if (SOAK && round === Math.floor(this.#rounds / 5)) this.#settled = resident()
  }

  /** Since the first fifth; not a number when that was never reached, 0 outside of a soak. */
  get bytes(): number {
    return SOAK ? resident() - this.#settled : 0
  }
}

/** How long a neighbour waited for its answers: told, not judged. */
export class Latencies {
  readonly #ms: number[] = []

  async time<T>(answer: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const value = await answer()
    this.#ms.push(performance.now() - started)
    return value
  }

  tell(title: string): void {
    const sorted = this.#ms.toSorted((a, b) => a - b)
    const at = (q: number): string => (sorted[Math.floor(q * sorted.length)] ?? 0).toFixed(2)
    process.stdout.write(`  ${title}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${sorted.length}\n`)
  }
}

function resident(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss
}
