import { AmpouleError } from '../errors.ts'
import type { WasiEnvironment } from './contract.ts'

/** What this host holds of the invocation's memory account: handles, buffers, fields, /tmp (ISOLATION.md 14). */
export class Account {
  #held = 0
  readonly #environment: WasiEnvironment

  constructor(environment: WasiEnvironment) {
    this.#environment = environment
  }

  get held(): number {
    return this.#held
  }

  tryHold(bytes: number): boolean {
    if (!this.#environment.charge(bytes)) return false
    this.#held += bytes
    return true
  }

  /** Throws MemoryExceeded when the account has no room. */
  hold(bytes: number, purpose: string): void {
    if (!this.tryHold(bytes)) throw exceeded(bytes, purpose)
  }

  release(bytes: number): void {
    this.#held -= bytes
    this.#environment.credit(bytes)
  }

  /** Sets what is held to what a restored state holds. */
  reset(held: number): void {
    const difference = held - this.#held
    if (difference < 0) this.release(-difference)
    else if (difference > 0) this.hold(difference, 'the restored state')
  }
}

export function exceeded(bytes: number, purpose: string): AmpouleError {
  return new AmpouleError('MemoryExceeded', `${bytes} bytes for ${purpose} exceed the memory limit (memoryMb)`)
}
