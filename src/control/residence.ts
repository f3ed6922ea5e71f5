import { formatFunctionArn, parseQualifier, type Account, type FunctionReference } from '../functions/arn.ts'
import type { FunctionVersion, Served } from '../functions/definition.ts'
import type { Variables } from '../functions/environment.ts'
import { conflict, notFound } from '../functions/lambda-error.ts'
import { laneKey, managedSettings, managedSpec } from '../functions/managed.ts'
import type { FunctionName } from '../functions/name.ts'
import type { LaneGroup } from '../engine/contract.ts'
import type { Seal } from '../store/seal.ts'
import type { Store } from '../store/contract.ts'
import { provisionedOf } from './provisioned.ts'
import { loadMade, make, type MakeParts, type Ready } from './make.ts'
import type { Route, Target } from '../invoke/route.ts'
import { Turns } from './turns.ts'

/** What residence needs of the lanes. */
export type Lanes = Pick<LaneGroup, 'deploy' | 'remove' | 'tell' | 'instances' | 'provision' | 'provisionedInUse' | 'limit'>

/** What lanes are told: routes of these functions are not what they were. */
export interface Changed {
  readonly changed: readonly string[]
}

/** Instances of a version that are kept ready. */
export interface Provisioned {
  readonly name: string
  readonly version: string
  readonly instances: number
  readonly memoryMb: number
}

export interface ResidenceOptions {
  readonly store: Store
  readonly seal: Seal
  readonly account: Account
  readonly parts: MakeParts
  readonly lanes: Lanes
  /** Milliseconds; only differences count. */
  readonly now: () => number
}

/** How long a function stays loaded after its last instance was closed (which takes the settings' idleMs), or when it was never used. */
export const UNUSED_MS = 60_000
const SWEEP_MS = 15_000

/**
 * Which versions of managed functions are loaded into the lanes: none until it is used for the first time, and none that has not been used
 * for some minutes. Everything that concerns one function is done in turn, so that what is loaded is what the store has.
 */
export class Residence {
  readonly #options: ResidenceOptions
  readonly #turns = new Turns()
  /** By lane key: since when it has no instances; milliseconds. */
  readonly #loaded = new Map<
    string,
    { readonly name: string; readonly memoryMb: number; unusedSince: number; provisioned: number }
  >()
  readonly #sweeper: NodeJS.Timeout

  constructor(options: ResidenceOptions) {
    this.#options = options
    this.#sweeper = setInterval(() => void this.unloadUnused(), SWEEP_MS).unref()
  }

  get loaded(): number {
    return this.#loaded.size
  }

  /** Where invocations go; what that needs is loaded when this resolves. Throws `ResourceNotFoundException` and `ResourceConflictException`. */
  route(reference: FunctionReference): Promise<Route> {
    const { name, qualifier } = reference
    return this.#turns.take(name, async () => {
      const shares = await this.#shares(reference)
      const targets: Target[] = []
      for (const { version, weight } of shares) targets.push({ ...(await this.#load(name, version)), weight })
      return { arn: formatFunctionArn(this.#options.account, name, qualifier), targets }
    })
  }

  /** Runs `change` while nothing of the function is loaded or let go, and makes lanes ask for its routes again. */
  change<T>(name: string, change: (own: Changing) => Promise<T>): Promise<T> {
    return this.#turns.take(name, async () => {
      try {
        return await change({
          deploy: (version, served, ready) => this.#deploy(name, version, served, ready),
          provision: () => this.#provision(name as FunctionName),
          unload: (version) => this.#unload(version === undefined ? this.#keysOf(name) : [laneKey(name, version)]),
        })
      } finally {
        await this.#tell([name])
      }
    })
  }

  /** Instances of a version that are kept ready, and those of them that are free. */
  instancesOf(name: string, version: string): { readonly ready: number; readonly free: number } {
    const { lanes } = this.#options
    const key = laneKey(name, version)
    const ready = Math.min(this.#loaded.get(key)?.provisioned ?? 0, lanes.instances(key))
    return { ready, free: Math.max(0, ready - lanes.provisionedInUse(key)) }
  }

  /** What is kept ready now, by version. */
  provisioned(): readonly Provisioned[] {
    return [...this.#loaded].flatMap(([key, { name, provisioned, memoryMb }]) => {
      const instances = provisioned > 0 ? Math.min(provisioned, this.#options.lanes.instances(key)) : 0
      return instances > 0 ? [{ name, version: key.slice(name.length + 1), instances, memoryMb }] : []
    })
  }

  /** Lets go what has not been used for {@link UNUSED_MS}. Done every {@link SWEEP_MS}. */
  async unloadUnused(): Promise<void> {
    const now = this.#options.now()
    for (const [key, loaded] of this.#loaded) {
      if (loaded.provisioned > 0 || this.#options.lanes.instances(key) > 0) loaded.unusedSince = now
      if (now - loaded.unusedSince < UNUSED_MS) continue
      // Lanes that have it in mind find no runner and ask again.
      await this.#turns.take(loaded.name, async () => {
        if (this.#loaded.get(key) === loaded && this.#options.lanes.instances(key) === 0) await this.#unload([key])
      })
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    await this.#turns.idle()
  }

  async #shares({
    name,
    qualifier,
  }: FunctionReference): Promise<readonly { readonly version: FunctionVersion; readonly weight: number }[]> {
    const { store, account } = this.#options
    const missing = () => notFound(`Function not found: ${formatFunctionArn(account, name, qualifier)}`)
    const published = async (number: number) => {
      const version = await store.get('versions', [name, number])
      if (version === undefined) throw missing()
      return version
    }
    const wanted = parseQualifier(qualifier)
    switch (wanted.kind) {
      case 'latest': {
        const found = await store.get('functions', [name])
        if (found === undefined) throw missing()
        return [{ version: found.latest, weight: 1 }]
      }
      case 'version':
        return [{ version: await published(wanted.number), weight: 1 }]
      case 'alias': {
        const alias = await store.get('aliases', [name, wanted.name])
        if (alias === undefined) throw missing()
        const { version, additional } = alias
        if (version === '$LATEST') return this.#shares({ name, qualifier: undefined })
        const main = await published(Number(version))
        if (additional === undefined) return [{ version: main, weight: 1 }]
        return [
          { version: await published(Number(additional.version)), weight: additional.weight },
          { version: main, weight: 1 - additional.weight },
        ]
      }
      default:
        return wanted satisfies never
    }
  }

  async #load(name: FunctionName, { version, served, state }: FunctionVersion): Promise<Omit<Target, 'weight'>> {
    if (served === undefined)
      throw conflict(
        `The operation cannot be performed at this time. The function is currently in the following state: ${state.status === 'failed' ? `Failed (${state.reason})` : 'Pending'}`,
      )
    const key = laneKey(name, version)
    const loaded = this.#loaded.get(key)
    if (loaded === undefined) await this.#deploy(name, version, served, await this.#ready(name, version, served))
    else loaded.unusedSince = this.#options.now()
    return { version, key, settings: managedSettings(name, served.definition) }
  }

  /** What was made for this release, or is made for it now. */
  async #ready(name: string, version: string, served: Served): Promise<Ready> {
    const { store, parts } = this.#options
    const kept = await loadMade(served.made, parts)
    if (kept !== undefined) return kept
    using holds = new DisposableStack()
    const ready = await make(served.definition, parts, holds)
    await store.transact(async (tx) => {
      const next = { ...served, made: ready.made }
      const record = await tx.get('functions', [name])
      if (record !== undefined && version === '$LATEST')
        tx.put('functions', { ...record, latest: { ...record.latest, served: next } })
      const published = version === '$LATEST' ? undefined : await tx.get('versions', [name, Number(version)])
      if (published !== undefined) tx.put('versions', { ...published, served: next })
    })
    return ready
  }

  /** Has lanes keep what is provisioned for the versions, and loads these for it. Rejects when one of them cannot be loaded. */
  async #provision(name: FunctionName): Promise<void> {
    const { store, lanes } = this.#options
    const wanted = await provisionedOf(name, store)
    const failures: unknown[] = []
    for (const key of this.#keysOf(name)) {
      const loaded = this.#loaded.get(key)
      const count = wanted.get(key.slice(name.length + 1)) ?? 0
      if (loaded === undefined || loaded.provisioned === count) continue
      loaded.provisioned = count
      await lanes.provision(key, count)
    }
    for (const [version, count] of wanted) {
      const record = count > 0 ? await store.get('versions', [name, Number(version)]) : undefined
      if (record !== undefined) await this.#load(name, record).catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  #keysOf(name: string): readonly string[] {
    return [...this.#loaded].filter(([, { name: own }]) => own === name).map(([key]) => key)
  }

  async #deploy(name: string, version: string, { definition }: Served, { artifact, sourceMap, mounts }: Ready): Promise<void> {
    const { lanes, account, seal, now, store } = this.#options
    const key = laneKey(name, version)
    const variables = openVariables(definition.environment, name, seal)
    const provisioned = (await provisionedOf(name, store)).get(version) ?? 0
    const settings = managedSettings(name as FunctionName, definition)
    const spec = managedSpec(settings, { version, definition, variables, account, provisioned })
    await lanes.deploy({ artifact, spec: { ...spec, mounts, ...(sourceMap !== undefined && { sourceMap }) } })
    this.#loaded.set(key, { name, memoryMb: settings.memoryMb, unusedSince: now(), provisioned })
  }

  async #unload(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#loaded.delete(key)
      await this.#options.lanes.remove(key)
    }
  }

  #tell(changed: readonly string[]): Promise<void> {
    return this.#options.lanes.tell({ changed } satisfies Changed)
  }
}

/** What a change may do with the lanes. */
export interface Changing {
  /** Loads what has just been made, in the place of what is loaded. Rejects like `LaneGroup.deploy`. */
  deploy(version: string, served: Served, ready: Ready): Promise<void>
  /** Has lanes keep what is provisioned, as the store has it. Resolves when it is ready, or there is no memory for more of it. */
  provision(): Promise<void>
  /** Lets go a version of the function, or all of them. */
  unload(version?: string): Promise<void>
}

export const sealVariables = (variables: Variables, name: string, seal: Seal): string | undefined =>
  Object.keys(variables).length === 0 ? undefined : seal.seal(JSON.stringify(variables), sealContext(name))

export const openVariables = (sealed: string | undefined, name: string, seal: Seal): Variables =>
  sealed === undefined ? {} : (JSON.parse(seal.open(sealed, sealContext(name))) as Variables)

const sealContext = (name: string): string => `environment of ${name}`
