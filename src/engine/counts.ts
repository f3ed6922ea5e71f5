/** How many functions one host can have counters for. */
export const MAX_FUNCTIONS = 16_384

/** Words per function and lane: invocations running, instances alive. */
const RUNNING = 0
const ALIVE = 1
const WORDS = 2

/** An index into the counters; given by the host when a function is deployed. */
export type CounterIndex = number & { readonly brand: 'CounterIndex' }

/**
 * Counts that are exact over all lanes: shared memory, changed with atomics only. Each lane also keeps its own share, so that a lane
 * that died can be taken out of the totals.
 */
export class SharedCounts {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #lane: number
  readonly #lanes: number

  constructor(
    lanes: number,
    lane: number,
    buffer: SharedArrayBuffer = new SharedArrayBuffer((lanes + 1) * (MAX_FUNCTIONS * WORDS + 1) * 4),
  ) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#lane = lane
    this.#lanes = lanes
  }

  /** One more invocation, unless `limit` are running. */
  enter(fn: CounterIndex, limit: number): boolean {
    return this.#add(1 + fn * WORDS + RUNNING, 1, limit)
  }

  leave(fn: CounterIndex): void {
    this.#add(1 + fn * WORDS + RUNNING, -1, Infinity)
  }

  /** One more instance, unless `limit` are alive. */
  create(fn: CounterIndex, limit: number): boolean {
    return this.#add(1 + fn * WORDS + ALIVE, 1, limit)
  }

  destroy(fn: CounterIndex): void {
    this.#add(1 + fn * WORDS + ALIVE, -1, Infinity)
  }

  /** Takes `kib` from a ceiling for the whole host. */
  reserve(kib: number, ceilingKib: number): boolean {
    return this.#add(0, kib, ceilingKib)
  }

  running(fn: CounterIndex): number {
    return Atomics.load(this.#words, 1 + fn * WORDS + RUNNING)
  }

  alive(fn: CounterIndex): number {
    return Atomics.load(this.#words, 1 + fn * WORDS + ALIVE)
  }

  get reservedKib(): number {
    return Atomics.load(this.#words, 0)
  }

  /** Takes everything that `lane` held out of the totals; called when it has ended. */
  forget(lane: number): void {
    const share = this.#share(lane)
    for (let i = 0; i < this.#stride; i++) {
      const held = Atomics.exchange(this.#words, share + i, 0)
      if (held !== 0) Atomics.sub(this.#words, i, held)
    }
  }

  #add(word: number, amount: number, limit: number): boolean {
    for (;;) {
      const now = Atomics.load(this.#words, word)
      if (amount > 0 && now + amount > limit) return false
      if (Atomics.compareExchange(this.#words, word, now, now + amount) === now) break
    }
    Atomics.add(this.#words, this.#share(this.#lane) + word, amount)
    return true
  }

  get #stride(): number {
    return this.#words.length / (this.#lanes + 1)
  }

  #share(lane: number): number {
    return (lane + 1) * this.#stride
  }
}
