import { AmpouleError } from '../errors.ts'
import { MAX_FUNCTIONS, SHARED_QUOTA, type QuotaIndex, type SharedCounts } from './counts.ts'

interface Quota {
  readonly index: QuotaIndex
  functions: number
}

/** The quotas of functions by name: a counter each while a function of it is deployed, and a limit also when none is. */
export class Quotas {
  readonly #counts: SharedCounts
  readonly #limits = new Map<string, number>()
  readonly #inUse = new Map<string, Quota>()
  readonly #free: QuotaIndex[] = []
  #next = SHARED_QUOTA + 1

  constructor(counts: SharedCounts) {
    this.#counts = counts
  }

  /** For one more function; {@link give} it back. Undefined counts for none. */
  take(name: string | undefined): QuotaIndex | undefined {
    if (name === undefined) return undefined
    const quota = this.#inUse.get(name) ?? { index: this.#free.pop() ?? this.#newIndex(), functions: 0 }
    if (quota.functions++ === 0) this.#counts.setLimit(quota.index, this.#limits.get(name))
    this.#inUse.set(name, quota)
    return quota.index
  }

  /** Called when no invocation of the function runs any more. */
  give(name: string | undefined): void {
    const quota = name === undefined ? undefined : this.#inUse.get(name)
    if (name === undefined || quota === undefined || --quota.functions > 0) return
    this.#inUse.delete(name)
    this.#free.push(quota.index)
  }

  /** `name` undefined: of all that have no limit of their own. `most` undefined: it has none. */
  limit(name: string | undefined, most: number | undefined): void {
    if (name === undefined) return this.#counts.setLimit(SHARED_QUOTA, most)
    if (most === undefined) this.#limits.delete(name)
    else this.#limits.set(name, most)
    const quota = this.#inUse.get(name)
    if (quota !== undefined) this.#counts.setLimit(quota.index, most)
  }

  #newIndex(): QuotaIndex {
    if (this.#next >= MAX_FUNCTIONS)
      throw new AmpouleError('HostCapacity', `${MAX_FUNCTIONS} functions are loaded, the most that one host has counters for`)
    return this.#next++ as QuotaIndex
  }
}
