import { AmpouleError } from '../errors.ts'

/**
 * The memory account of an instance: linear memories, table entries, host-held buffers, handles and /tmp together
 * (ISOLATION.md 14). Bytes.
 */
export class MemoryAccount {
  readonly limit: number
  #used = 0
  #peak = 0
  #base = 0
  #refused = false

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get peak(): number {
    return this.#peak
  }

  /** Whether something was refused since the last reset: tells a guest that ran out of memory from one that merely trapped. */
  get refused(): boolean {
    return this.#refused
  }

  charge(bytes: number): boolean {
    if (this.#used + bytes > this.limit) {
      this.#refused = true
      return false
    }
    this.#used += bytes
    if (this.#used > this.#peak) this.#peak = this.#used
    return true
  }

  credit(bytes: number): void {
    this.#used = Math.max(this.#base, this.#used - bytes)
  }

  /** Every invocation starts with `bytes`. */
  rebase(bytes: number): void {
    this.#base = bytes
    this.reset()
  }

  /** Throws when what is there already does not fit the limit. */
  requireRoom(name: string): void {
    if (this.#used <= this.limit) return
    const [needed, limit] = [this.#used, this.limit].map((bytes) => Math.ceil(bytes / 1024 / 1024))
    throw new AmpouleError(
      'MemoryExceeded',
      `function ${name} needs ${needed} MB before it has run; its limit is ${limit} MB ("memoryMb")`,
    )
  }

  forgetPeak(): void {
    this.#peak = this.#used
    this.#refused = false
  }

  reset(): void {
    this.#used = this.#base
    this.#peak = this.#base
    this.#refused = false
  }
}
