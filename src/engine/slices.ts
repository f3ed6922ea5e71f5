/** A guest runs at most this long before the event loop turns. */
export const SLICE_MS = 1

/** Fuel granted at a time; some tens of microseconds, so that the clock is looked at often enough. */
export const GRANT = 300_000n

/**
 * A section in which the guest cannot be suspended (`cabi_realloc`, destructors, start functions called by the host) may take this
 * long; then it is killed, since nothing else in the lane can run meanwhile.
 */
export const MAX_SYNC_MS = 50

/**
 * Who may run in one lane. Guests that used up their slice wait here; one of them is resumed per turn of the event loop, so that a
 * neighbour's latency does not grow with their number.
 */
export class SliceScheduler {
  readonly #waiting: (() => void)[] = []
  #pumping = false
  #syncDepth = 0
  /** When the outermost section that cannot suspend began; milliseconds of performance.now(). */
  #syncSince = 0

  get canSuspend(): boolean {
    return this.#syncDepth === 0
  }

  get syncSince(): number {
    return this.#syncSince
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Runs guest code that is entered without `WebAssembly.promising`. Such a region never suspends, so the depth is back at its old
   * value before anything else in the lane runs.
   */
  sync<T>(run: () => T): T {
    // Counted last: a guest can arrange that the stack ends in `now`, and the count must not stay.
    if (this.#syncDepth === 0) this.#syncSince = performance.now()
    this.#syncDepth++
    try {
      return run()
    } finally {
      this.#syncDepth--
    }
  }

  /** Settles when it is the caller's turn again. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#pumping || this.#waiting.length === 0) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      this.#waiting.shift()?.()
      this.#pump()
    })
  }
}
