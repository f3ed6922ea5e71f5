import { LambdaError } from '../functions/lambda-error.ts'
import type { Store } from '../store/contract.ts'
import type { ProvisionedConcurrencyRecord } from '../store/records.ts'
import { spread } from './provisioned.ts'
import type { Changing, Residence } from './residence.ts'

/** What became of a provisioned configuration, as it is now. */
export interface Provision {
  readonly status: 'IN_PROGRESS' | 'READY' | 'FAILED'
  readonly reason: string | undefined
  /** Instances that are kept ready. */
  readonly allocated: number
  /** Those of them that are free. */
  readonly available: number
}

const NO_MEMORY =
  "Not all instances could be made: the memory of all instances together is limited (memoryCeilingMb in this host's ampoule.jsonc)"

const FAILED = 'The host could not make the instances'

/** Makes what is provisioned ready in the background, also what a host before this one was asked for, and tells how far it is. */
export class Provisioning {
  readonly #store: Store
  readonly #residence: Residence
  /** How often it is asked for and not done; by function. */
  readonly #running = new Map<string, number>()
  /** Why it did not come to be; by function. */
  readonly #failures = new Map<string, string>()
  readonly #all = new Set<Promise<void>>()
  #closed = false

  constructor(store: Store, residence: Residence) {
    this.#store = store
    this.#residence = residence
  }

  /** Makes ready what is provisioned for a function, soon. */
  start(name: string): void {
    if (this.#closed) return
    const work = this.#under(name, () => this.#residence.change(name, (lanes) => this.bring(name, lanes)))
      .catch(() => void this.#failures.set(name, FAILED))
      .finally(() => this.#all.delete(work))
    this.#all.add(work)
  }

  async resume(): Promise<void> {
    const configs = await this.#store.list('provisioned_concurrency')
    for (const name of new Set(configs.map((config) => config.name))) this.start(name)
  }

  async state(config: ProvisionedConcurrencyRecord): Promise<Provision> {
    const { name, requested } = config
    const counts = await this.#count(config)
    const failure = this.#failures.get(name)
    // One that is just being replaced makes it no less ready.
    const isReady = counts.allocated >= requested || (failure === undefined && !this.#running.has(name))
    if (isReady) return { ...counts, status: 'READY', reason: undefined }
    if (this.#running.has(name)) return { ...counts, status: 'IN_PROGRESS', reason: undefined }
    return { ...counts, status: 'FAILED', reason: failure }
  }

  async #count(config: ProvisionedConcurrencyRecord): Promise<Pick<Provision, 'allocated' | 'available'>> {
    const { name, qualifier } = config
    let [allocated, available] = [0, 0]
    for (const [version, count] of spread(config, await this.#store.get('aliases', [name, qualifier]))) {
      const { ready, free } = this.#residence.instancesOf(name, version)
      allocated += Math.min(count, ready)
      available += Math.min(count, free)
    }
    return { allocated, available }
  }

  /** Nothing more is begun. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#all)
  }

  /** Does it within a change of the function. Never rejects: the state of the configurations tells what became of it. */
  bring(name: string, lanes: Changing): Promise<void> {
    return this.#under(name, async () => {
      try {
        await lanes.provision()
        this.#failures.delete(name)
        for (const config of await this.#store.list('provisioned_concurrency', { where: { name } }))
          if ((await this.#count(config)).allocated < config.requested) this.#failures.set(name, NO_MEMORY)
      } catch (error) {
        this.#failures.set(name, error instanceof LambdaError ? error.message : FAILED)
      }
    })
  }

  async #under(name: string, work: () => Promise<void>): Promise<void> {
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1)
    try {
      await work()
    } finally {
      const left = (this.#running.get(name) ?? 1) - 1
      if (left === 0) this.#running.delete(name)
      else this.#running.set(name, left)
    }
  }
}
