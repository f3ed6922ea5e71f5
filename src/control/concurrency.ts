import { QUOTAS } from '../functions/quotas.ts'
import type { LaneGroup } from '../engine/contract.ts'
import type { Store } from '../store/contract.ts'
import { Turns } from './turns.ts'

export interface ConcurrencyOptions {
  readonly store: Store
  readonly lanes: Pick<LaneGroup, 'limit'>
  /** Of all functions together. */
  readonly account: number
}

/** What reservations and provisioned instances leave of the account's concurrency. */
export interface Shares {
  /** By function. */
  readonly reserved: ReadonlyMap<string, number>
  readonly provisioned: ReadonlyMap<string, number>
  /** What functions without a reservation have together, besides what is provisioned for them. Below 0 when the account has been given less. */
  readonly unreserved: number
}

/**
 * Divides the account's concurrency: each part is a limit that lanes share, so that together no more run than the account may. What is
 * provisioned for a function is taken from its reservation, or from the unreserved rest.
 */
export class Concurrency {
  readonly account: number
  readonly #store: Store
  readonly #lanes: ConcurrencyOptions['lanes']
  readonly #turns = new Turns()
  /** Functions whose quota has a limit. */
  #limited: ReadonlySet<string> = new Set()

  constructor({ store, lanes, account }: ConcurrencyOptions) {
    this.#store = store
    this.#lanes = lanes
    this.account = account
  }

  async shares(): Promise<Shares> {
    const reserved = new Map((await this.#store.list('concurrency')).map((record) => [record.name, record.reserved]))
    const provisioned = new Map<string, number>()
    for (const { name, requested } of await this.#store.list('provisioned_concurrency'))
      provisioned.set(name, (provisioned.get(name) ?? 0) + requested)
    let unreserved = this.account
    for (const own of reserved.values()) unreserved -= own
    for (const [name, own] of provisioned) if (!reserved.has(name)) unreserved -= own
    return { reserved, provisioned, unreserved }
  }

  /** Runs `work`, which may check and change the shares, while nothing else changes them; they count when this resolves. */
  change<T>(work: (shares: Shares) => Promise<T>): Promise<T> {
    return this.#turns.take('shares', async () => {
      try {
        return await work(await this.shares())
      } finally {
        await this.#apply()
      }
    })
  }

  /** Brings the limits in line with the store. */
  apply(): Promise<void> {
    return this.#turns.take('shares', () => this.#apply())
  }

  async #apply(): Promise<void> {
    const { reserved, provisioned, unreserved } = await this.shares()
    this.#lanes.limit(undefined, Math.max(0, unreserved))
    for (const name of this.#limited) if (!reserved.has(name)) this.#lanes.limit(name, undefined)
    for (const [name, own] of reserved) this.#lanes.limit(name, Math.max(0, own - (provisioned.get(name) ?? 0)))
    this.#limited = new Set(reserved.keys())
  }
}

/** Lambda keeps so much for functions without a reservation. */
export const MIN_UNRESERVED = QUOTAS.unreservedConcurrentExecutions
