/** Timers for QuickJS: they fire while the runtime waits for the answer of an invocation, and are gone with it. */
export interface Clock {
  /** Milliseconds from an arbitrary origin. */
  now(): number
  /** Blocks the guest (the host suspends it) for that many milliseconds. */
  sleep(ms: number): void
}

interface Timer {
  readonly id: number
  due: number
  readonly intervalMs: number | undefined
  readonly run: () => void
}

export class Timers {
  readonly #clock: Clock
  readonly #timers = new Map<number, Timer>()
  #lastId = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly setTimeout = (run: (...args: unknown[]) => void, ms?: unknown, ...args: unknown[]): number =>
    this.#add(run, ms, args, false)
  readonly setInterval = (run: (...args: unknown[]) => void, ms?: unknown, ...args: unknown[]): number =>
    this.#add(run, ms, args, true)
  readonly clear = (id?: unknown): void => {
    this.#timers.delete(Number(id))
  }

  /** Waits for the timer that is due first and runs it; false when there is none. */
  fire(): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers.values()) if (next === undefined || timer.due < next.due) next = timer
    if (next === undefined) return false
    const wait = next.due - this.#clock.now()
    if (wait > 0) this.#clock.sleep(wait)
    if (next.intervalMs === undefined) this.#timers.delete(next.id)
    else next.due = this.#clock.now() + next.intervalMs
    next.run()
    return true
  }

  clearAll(): void {
    // Usually there is none, and a call of the engine's costs more than to ask.
    if (this.#timers.size > 0) this.#timers.clear()
  }

  #add(run: (...args: unknown[]) => void, ms: unknown, args: unknown[], repeat: boolean): number {
    if (typeof run !== 'function') throw new TypeError('a timer needs a function')
    // HTML Standard 8.6: what is no number or negative counts as 0.
    const delayMs = Math.max(0, Number(ms) || 0)
    const id = ++this.#lastId
    this.#timers.set(id, {
      id,
      due: this.#clock.now() + delayMs,
      intervalMs: repeat ? Math.max(1, delayMs) : undefined,
      run: () => run(...args),
    })
    return id
  }
}
