/** A guest runs at most this long before the event loop turns. */
export const SLICE_MS = 1

/** Fuel granted at a time; some tens of microseconds, so that the clock is looked at often enough. */
export const GRANT = 300_000n

/**
 * A section in which the guest cannot be suspended (`cabi_realloc`, destructors, start functions called by the host) may take this
 * long; then it is killed, since nothing else in the lane can run meanwhile.
 */
export const MAX_SYNC_MS = 50

/** An instance's share of a crowded lane's time: in proportion to its weight. */
export class Share {
  readonly weight: number
  /** How long it has run, in milliseconds by its weight. */
  #ran = 0

  constructor(weight = 1) {
    this.weight = weight
  }

  get ran(): number {
    return this.#ran
  }

  /** Counts `ms` that it has run. Whoever did not wait for a while has saved nothing up: it begins where the others are. */
  count(ms: number, others: number): void {
    this.#ran = Math.max(this.#ran, others) + ms / this.weight
  }
}

interface Waiter {
  readonly ran: number
  readonly resume: () => void
}

/**
 * Who may run in one lane. Guests that used up their slice wait here; one of them is resumed per turn of the event loop, so that a
 * neighbour's latency does not grow with their number. It is the one that has run least by its weight: slices are equally long for all, and
 * guests of greater weight get more of them.
 */
export class SliceScheduler {
  readonly #waiting: Waiter[] = []
  /** How long the guest that was resumed last had run by its weight. */
  #ran = 0
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

  /** Settles when it is the caller's turn again, which has run for `ranMs` since its last one. */
  turn(share: Share, ranMs: number): Promise<void> {
    share.count(ranMs, this.#ran)
    return new Promise((resume) => {
      this.#waiting.push({ ran: share.ran, resume })
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#pumping || this.#waiting.length === 0) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      this.#resumeNext()
      this.#pump()
    })
  }

  #resumeNext(): void {
    // Of several that have run equally long the first that came.
    let next = 0
    for (let i = 1; i < this.#waiting.length; i++) if (this.#waiting[i]!.ran < this.#waiting[next]!.ran) next = i
    const [waiter] = this.#waiting.splice(next, 1)
    if (waiter === undefined) return
    this.#ran = Math.max(this.#ran, waiter.ran)
    waiter.resume()
  }
}
