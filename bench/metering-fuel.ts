import { GRANT } from '../src/engine/slices.ts'

/** Fuel without end for plain (not promising) calls, granted in the same portions and with the same look at the clock as the engine does. */
export class GrantingFuel {
  #fuel: WebAssembly.Global<'i64'> | undefined
  #granted = 0n
  #spent = 0n
  #deadlineAt = 0

  readonly imports: WebAssembly.ModuleImports = {
    refuel: (left: bigint) => this.#refuel(left),
    yield: () => -1n,
    'grow-memory': () => 1,
    'grow-table': () => 1,
  }

  attach(exports: WebAssembly.Exports): void {
    this.#fuel = exports['ampoule:fuel'] as WebAssembly.Global<'i64'>
  }

  begin(): void {
    this.#spent = 0n
    this.#deadlineAt = performance.now() + DEADLINE_MS
    this.#granted = 0n
    this.#fuel!.value = 0n
  }

  /** Units since `begin`. */
  get used(): number {
    return Number(this.#spent + this.#granted - this.#fuel!.value)
  }

  #refuel(left: bigint): bigint {
    this.#spent += this.#granted - left
    return performance.now() < this.#deadlineAt ? this.#grant() : -1n
  }

  #grant(): bigint {
    this.#granted = GRANT
    return GRANT
  }
}

const DEADLINE_MS = 60_000
