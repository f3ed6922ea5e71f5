import { AmpouleError } from '../errors.ts'
import { GRANT, MAX_SYNC_MS, SLICE_MS, Share, type SliceScheduler } from './slices.ts'

/** The answer that makes the injected helper trap with `unreachable`, which no guest can catch. */
const KILL = -1n
const YIELD = 0n
/** What all counters of an instance may hold together: so much is used at most before someone looks at the clock. */
const MAX_LENT = 4n * GRANT

/** What an invocation may use. `deadlineAt` in milliseconds of performance.now(). */
export interface Budget {
  readonly fuel: bigint
  readonly deadlineAt: number
  readonly timeoutMs: number
  /** How long code that cannot be suspended may run; default MAX_SYNC_MS. */
  readonly syncMs?: number
}

/** For initialisation, which has a budget of its own. */
export const INIT_BUDGET_MS = 10_000
export const INIT_FUEL = 640_000_000_000n

/** How one core instance is given fuel: the two imports through which its code asks for more (src/wasm/contract.ts). */
export interface Counter {
  readonly refuel: (left: bigint) => bigint
  /** To be wrapped in `WebAssembly.Suspending`. */
  readonly yield: () => Promise<bigint>
  /** Finds the counter itself among the core instance's exports; one that never charges has none. To be called once, before code runs. */
  attach(exports: WebAssembly.Exports): void
}

interface Lent {
  granted: bigint
  /** Undefined until the core instance is there: then what it uses is seen when it asks for more. */
  global: WebAssembly.Global<'i64'> | undefined
}

/**
 * The fuel of one component instance. Each of its core instances counts by itself (V8 reaches a global of its own faster than an
 * imported one) and is lent at most GRANT units at a time; all of them together never hold more than MAX_LENT nor more than what is
 * left of the budget, so that neither time between two looks at the clock nor work beyond the budget grows with their number.
 */
export class Meter {
  readonly #scheduler: SliceScheduler
  readonly #share: Share
  readonly #attached: Lent[] = []
  #budget: Budget = { fuel: 0n, deadlineAt: 0, timeoutMs: 0 }
  /** Without what was used of the grants that are still out. */
  #spent = 0n
  /** The sum of these grants. */
  #lent = 0n
  /** What the host did for the guest since the clock was last looked at. */
  #hostWork = 0n
  /** Who was lent a grant last. */
  #last: Lent | undefined
  #sliceStart = 0
  #doom: AmpouleError | undefined

  /** `weight`: against that of others, what part of a crowded lane's time it gets. */
  constructor(scheduler: SliceScheduler, weight = 1) {
    this.#scheduler = scheduler
    this.#share = new Share(weight)
  }

  /** Every counter begins empty: the first check in each core instance asks for its first grant, and gets it whatever the clock says. */
  begin(budget: Budget): void {
    this.#budget = budget
    this.#doom = undefined
    this.#set(0n)
    this.#spent = 0n
    this.#hostWork = 0n
    this.#last = undefined
    this.#sliceStart = performance.now()
  }

  /** For one more core instance. */
  counter(): Counter {
    const own: Lent = { granted: 0n, global: undefined }
    return {
      refuel: (left) => this.#refuel(own, left),
      yield: () => this.#yield(own),
      attach: (exports) => {
        const global = exports['ampoule:fuel'] as WebAssembly.Global<'i64'> | undefined
        if (global === undefined) return
        own.global = global
        this.#attached.push(own)
        if (this.#doom !== undefined) global.value = KILL
      },
    }
  }

  /** Units used since `begin`. */
  get used(): bigint {
    let used = this.#spent
    // A doomed invocation's counters hold what kills it.
    if (this.#doom === undefined) for (const { granted, global } of this.#attached) used += granted - global!.value
    return used
  }

  get doomed(): AmpouleError | undefined {
    return this.#doom
  }

  /** From here on the guest's next check kills it; the first reason stays. */
  doom(reason: AmpouleError): void {
    if (this.#doom !== undefined) return
    this.#spent = this.used
    this.#set(KILL)
    this.#doom = reason
  }

  /** Counts what the host did for the guest. Throws when the invocation is over. */
  charge(units: number): void {
    if (this.#doom === undefined) {
      const work = BigInt(units)
      this.#spent += work
      this.#hostWork += work
      // For a guest that has the host work for it the clock must be looked at as often as for one that works by itself.
      const { granted = 0n, global } = this.#last ?? {}
      if (granted !== 0n && global !== undefined && this.#hostWork + granted - global.value >= GRANT) this.#hostWork = GRANT
      if (this.#hostWork >= GRANT || this.#spent + this.#lent > this.#budget.fuel) this.#recall()
      if (this.#spent > this.#budget.fuel) this.doom(this.#exhausted())
    }
    if (this.#doom !== undefined) throw this.#doom
  }

  /** A guest that was suspended begins a new slice. */
  resumed(): void {
    this.#sliceStart = performance.now()
  }

  #refuel(counter: Lent, left: bigint): bigint {
    if (this.#doom !== undefined) return KILL
    const first = counter.granted === 0n
    this.#spent += counter.granted - left
    this.#lent -= counter.granted
    counter.granted = 0n
    if (counter.global !== undefined) counter.global.value = 0n
    if (first && this.#hostWork < GRANT && this.#hasRoom()) return this.#grant(counter)
    this.#hostWork = 0n
    const now = performance.now()
    if (!this.#mayGoOn(now)) return KILL
    if (now - this.#sliceStart >= SLICE_MS) {
      if (this.#scheduler.canSuspend) return YIELD
      const { syncMs = MAX_SYNC_MS } = this.#budget
      if (now - this.#scheduler.syncSince > syncMs) {
        this.doom(
          new AmpouleError(
            'FunctionTrapped',
            `the function ran for more than ${syncMs} ms in code that cannot be suspended (cabi_realloc, a destructor or a start function)`,
          ),
        )
        return KILL
      }
    }
    return this.#grant(counter)
  }

  async #yield(counter: Lent): Promise<bigint> {
    await this.#scheduler.turn(this.#share, performance.now() - this.#sliceStart)
    this.resumed()
    if (this.#doom !== undefined || !this.#mayGoOn(this.#sliceStart)) return KILL
    return this.#grant(counter)
  }

  #mayGoOn(now: number): boolean {
    // When there is no room for a grant beside those that are out, they come back first.
    if (!this.#hasRoom()) this.#recall()
    if (this.#spent > this.#budget.fuel) {
      this.doom(this.#exhausted())
      return false
    }
    if (now >= this.#budget.deadlineAt) {
      this.doom(deadlineExceeded(this.#budget.timeoutMs))
      return false
    }
    return true
  }

  #hasRoom(): boolean {
    const lent = this.#lent + GRANT
    return lent <= MAX_LENT && this.#spent + lent <= this.#budget.fuel
  }

  /** Takes all grants back: each core instance's next check asks for another. */
  #recall(): void {
    this.#spent = this.used
    this.#set(0n)
  }

  #set(value: bigint): void {
    for (const counter of this.#attached) {
      this.#lent -= counter.granted
      counter.granted = 0n
      counter.global!.value = value
    }
  }

  #exhausted(): AmpouleError {
    return new AmpouleError(
      'FuelExhausted',
      `the function used its fuel budget of ${this.#budget.fuel} units; raise "fuel" in ampoule.jsonc (Fuel, where it is managed) to allow more`,
    )
  }

  #grant(counter: Lent): bigint {
    const left = this.#budget.fuel - this.#spent
    counter.granted = left >= GRANT ? GRANT : left > 0n ? left : 1n
    this.#lent += counter.granted
    this.#last = counter
    return counter.granted
  }
}

export function deadlineExceeded(timeoutMs: number): AmpouleError {
  return new AmpouleError(
    'DeadlineExceeded',
    `the function did not finish within its timeout of ${timeoutMs} ms; raise "timeoutMs" in ampoule.jsonc to allow more`,
  )
}
