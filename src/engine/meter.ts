import { AmpouleError } from '../errors.ts'
import { GRANT, MAX_SYNC_MS, SLICE_MS, type SliceScheduler } from './slices.ts'

/** The answer that makes the injected helper trap with `unreachable`, which no guest can catch. */
const KILL = -1n
const YIELD = 0n

/** What an invocation may use. `deadlineAt` in milliseconds of performance.now(). */
export interface Budget {
  readonly fuel: bigint
  readonly deadlineAt: number
  readonly timeoutMs: number
}

/** For initialisation, which has a budget of its own. */
export const INIT_BUDGET_MS = 10_000
export const INIT_FUEL = 200_000_000_000n

/** The fuel counter of one instance and the two imports through which its code asks for more (facts of the rewrite: src/wasm/contract.ts). */
export class Meter {
  /** What is left of the grant; imported by every core module of the instance. */
  readonly fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n)
  readonly #scheduler: SliceScheduler
  #budget: Budget = { fuel: 0n, deadlineAt: 0, timeoutMs: 0 }
  #granted = 0n
  #spent = 0n
  #sliceStart = 0
  #doom: AmpouleError | undefined

  constructor(scheduler: SliceScheduler) {
    this.#scheduler = scheduler
  }

  begin(budget: Budget): void {
    this.#budget = budget
    this.#doom = undefined
    this.#spent = 0n
    this.#sliceStart = performance.now()
    this.fuel.value = this.#grant()
  }

  /** Units used since `begin`. */
  get used(): bigint {
    return this.#spent + (this.#doom === undefined ? this.#granted - this.fuel.value : 0n)
  }

  get doomed(): AmpouleError | undefined {
    return this.#doom
  }

  /** From here on the guest's next check kills it; the first reason stays. */
  doom(reason: AmpouleError): void {
    if (this.#doom !== undefined) return
    this.#spent = this.used
    this.#granted = 0n
    this.#doom = reason
    this.fuel.value = KILL
  }

  /** Takes what the host did for the guest from the slice; the guest's next check sees it. Throws when the invocation is over. */
  charge(units: number): void {
    if (this.#doom === undefined) {
      this.fuel.value -= BigInt(units)
      if (this.used > this.#budget.fuel) this.doom(this.#exhausted())
    }
    if (this.#doom !== undefined) throw this.#doom
  }

  /** A guest that was suspended begins a new slice. */
  resumed(): void {
    this.#sliceStart = performance.now()
  }

  readonly refuel = (left: bigint): bigint => {
    if (this.#doom !== undefined) return KILL
    this.#spent += this.#granted - left
    this.#granted = 0n
    this.fuel.value = 0n
    const now = performance.now()
    if (!this.#mayGoOn(now)) return KILL
    if (now - this.#sliceStart >= SLICE_MS) {
      if (this.#scheduler.canSuspend) return YIELD
      if (now - this.#scheduler.syncSince > MAX_SYNC_MS) {
        this.doom(
          new AmpouleError(
            'FunctionTrapped',
            `the function ran for more than ${MAX_SYNC_MS} ms in code that cannot be suspended (cabi_realloc, a destructor or a start function)`,
          ),
        )
        return KILL
      }
    }
    return this.#grant()
  }

  /** To be wrapped in `WebAssembly.Suspending`. */
  readonly yield = async (): Promise<bigint> => {
    await this.#scheduler.turn()
    this.resumed()
    if (this.#doom !== undefined || !this.#mayGoOn(this.#sliceStart)) return KILL
    return this.#grant()
  }

  #mayGoOn(now: number): boolean {
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

  #exhausted(): AmpouleError {
    return new AmpouleError(
      'FuelExhausted',
      `the function used its fuel budget of ${this.#budget.fuel} units; raise "fuel" to allow more`,
    )
  }

  #grant(): bigint {
    const left = this.#budget.fuel - this.#spent
    this.#granted = left >= GRANT ? GRANT : left > 0n ? left : 1n
    return this.#granted
  }
}

export function deadlineExceeded(timeoutMs: number): AmpouleError {
  return new AmpouleError(
    'DeadlineExceeded',
    `the function did not finish within its timeout of ${timeoutMs} ms; raise "timeoutMs" to allow more`,
  )
}
