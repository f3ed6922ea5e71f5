/** How many functions one host can have counters for. */
export const MAX_FUNCTIONS = 16_384

/** Words per function and lane: invocations running, instances alive, invocations that were admitted for its provisioned instances. */
const RUNNING = 0
const ALIVE = 1
const PROVISIONED = 2
const WORDS = 3

/** Where invocations of quotas are counted: behind the memory that is reserved and the functions. */
const QUOTAS = 1 + MAX_FUNCTIONS * WORDS
/** Words of the totals, and of each lane's share of them. */
const STRIDE = QUOTAS + MAX_FUNCTIONS

/** An index into the counters; given by the host when a function is deployed. */
export type CounterIndex = number & { readonly brand: 'CounterIndex' }

/** What invocations of several functions count against together. */
export type QuotaIndex = number & { readonly brand: 'QuotaIndex' }

/** Of all quotas that have no limit of their own. */
export const SHARED_QUOTA = 0 as QuotaIndex

/** What an admitted invocation counts for, to be given back. */
export type Ticket = number & { readonly brand: 'Ticket' }

/**
 * Counts that are exact over all lanes: shared memory, changed with atomics only. Each lane also keeps its own share, so that a lane
 * that died can be taken out of the totals.
 */
export class SharedCounts {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #lane: number
  /** Where the limits of quotas are: plus one, 0 for none. They are no lane's. */
  readonly #limits: number

  constructor(
    lanes: number,
    lane: number,
    buffer: SharedArrayBuffer = new SharedArrayBuffer(((lanes + 1) * STRIDE + MAX_FUNCTIONS) * 4),
  ) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#lane = lane
    this.#limits = (lanes + 1) * STRIDE
  }

  /** One more invocation, unless `limit` are running. */
  enter(fn: CounterIndex, limit: number): boolean {
    return this.#add(1 + fn * WORDS + RUNNING, 1, limit)
  }

  leave(fn: CounterIndex): void {
    this.#add(1 + fn * WORDS + RUNNING, -1, Infinity)
  }

  /**
   * Admits an invocation: for one of the function's `provisioned` instances, else by its quota, or by that of all others where its own has
   * no limit. Gives the quota that is used up when it may not.
   */
  admit(fn: CounterIndex, quota: QuotaIndex, provisioned: number): Ticket | 'own quota' | 'shared quota' {
    const own = 1 + fn * WORDS + PROVISIONED
    if (provisioned > 0 && this.#add(own, 1, provisioned)) return own as Ticket
    const limit = this.limit(quota)
    const [counted, most] = limit === undefined ? [SHARED_QUOTA, this.limit(SHARED_QUOTA) ?? Infinity] : [quota, limit]
    if (this.#add(QUOTAS + counted, 1, most)) return (QUOTAS + counted) as Ticket
    return counted === SHARED_QUOTA ? 'shared quota' : 'own quota'
  }

  dismiss(ticket: Ticket): void {
    this.#add(ticket, -1, Infinity)
  }

  /** Undefined: it has none. */
  limit(quota: QuotaIndex): number | undefined {
    const limit = Atomics.load(this.#words, this.#limits + quota)
    return limit === 0 ? undefined : limit - 1
  }

  /** Counts from now on, in every lane. What runs already runs on. */
  setLimit(quota: QuotaIndex, most: number | undefined): void {
    Atomics.store(this.#words, this.#limits + quota, most === undefined ? 0 : most + 1)
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

  /** Invocations that were admitted for provisioned instances. */
  provisionedInUse(fn: CounterIndex): number {
    return Atomics.load(this.#words, 1 + fn * WORDS + PROVISIONED)
  }

  get reservedKib(): number {
    return Atomics.load(this.#words, 0)
  }

  /** Takes everything that `lane` held out of the totals; called when it has ended. */
  forget(lane: number): void {
    const share = this.#share(lane)
    for (let i = 0; i < STRIDE; i++) {
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

  #share(lane: number): number {
    return (lane + 1) * STRIDE
  }
}
