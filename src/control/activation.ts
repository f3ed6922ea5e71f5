import { explainTopLevel } from '../build/top-level.ts'
import { TopLevelFailure } from '../engine/script.ts'
import { AmpouleError } from '../errors.ts'
import {
  codeHashes,
  servedHashes,
  type FunctionDefinition,
  type FunctionVersion,
  type Progress,
  type Served,
} from '../functions/definition.ts'
import { TASK_ROOT } from '../functions/managed.ts'
import type { Observer } from '../observe/records.ts'
import type { FunctionRecord, VersionRecord } from '../store/records.ts'
import type { Store } from '../store/contract.ts'
import type { Garbage } from './garbage.ts'
import { loadMade, make, type MakeParts, type Ready } from './make.ts'
import type { Provisioning } from './provisioning.ts'
import type { Residence } from './residence.ts'

export interface ActivationOptions {
  readonly store: Store
  readonly garbage: Garbage
  readonly parts: MakeParts
  readonly residence: Residence
  readonly provisioning: Provisioning
  readonly observe: Observer
  readonly now: () => number
}

/** So many are made at a time: making one may take a gigabyte. */
const WORKERS = 2

type Outcome = { readonly served: Served } | { readonly failed: Extract<Progress, { readonly status: 'failed' }> }

/**
 * Brings versions from `Pending` to `Active`, and updates from `InProgress` to `Successful`, or either to `Failed`: makes the code, loads it
 * once to see that it initialises, and commits what invocations run from then on. What was pending when a host ended is taken up by the next.
 */
export class Activation {
  readonly #options: ActivationOptions
  readonly #waiting: string[] = []
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor(options: ActivationOptions) {
    this.#options = options
  }

  /** Takes up what is pending of this function, soon. */
  start(name: string): void {
    this.#waiting.push(name)
    this.#next()
  }

  /** Takes up everything that is pending. */
  async resume(): Promise<void> {
    const pending = (version: FunctionVersion): boolean =>
      version.state.status === 'pending' || version.lastUpdate.status === 'pending'
    const { store } = this.#options
    const names = new Set([
      ...(await store.list('functions')).filter(({ latest }) => pending(latest)).map(({ name }) => name),
      ...(await store.list('versions')).filter(pending).map(({ name }) => name),
    ])
    for (const name of names) this.start(name)
  }

  /** From now on nothing new is taken up, and what fails is left to the next host: it may have failed because this one ends. */
  stop(): void {
    this.#closed = true
  }

  /** Waits for what is being made. */
  async close(): Promise<void> {
    this.stop()
    await Promise.all(this.#running)
  }

  #next(): void {
    if (this.#closed || this.#running.size >= WORKERS) return
    const name = this.#waiting.shift()
    if (name === undefined) return
    const running = this.#activate(name)
      .catch((error: unknown) => {
        if (!this.#closed) this.#report(name, error)
      })
      .then(() => {
        this.#running.delete(running)
        this.#next()
      })
    this.#running.add(running)
    this.#next()
  }

  async #activate(name: string): Promise<void> {
    const { store, garbage } = this.#options
    const record = await store.get('functions', [name])
    if (record === undefined) return
    const { latest } = record
    let outcome: Outcome | undefined
    if (latest.state.status === 'pending' || latest.lastUpdate.status === 'pending') {
      outcome = await this.#bring(name, latest, (made) => this.#commitLatest(record, made))
      if (latest.served !== undefined) await garbage.collect(servedHashes(latest.served))
    } else if (latest.served !== undefined) outcome = { served: latest.served }
    for (const version of await store.list('versions', { where: { name } })) {
      if (version.state.status !== 'pending') continue
      // Published together with what $LATEST has just become.
      if (outcome !== undefined && sameDefinition(version.definition, latest.definition))
        await this.#commitVersion(version, outcome)
      else await this.#bring(name, version, (made) => this.#commitVersion(version, made))
      // An alias may have led to it before it could run.
      this.#options.provisioning.start(name)
    }
  }

  async #bring(name: string, version: FunctionVersion, commit: (outcome: Outcome) => Promise<void>): Promise<Outcome> {
    const { definition } = version
    const { residence } = this.#options
    using holds = new DisposableStack()
    let ready: Ready | undefined
    try {
      // Takes long: meanwhile what was there before can be loaded.
      const made = (ready = await this.#ready(version, holds))
      const served = { definition, made: made.made }
      await residence.change(name, async (lanes) => {
        await lanes.deploy(version.version, served, made)
        await commit({ served })
      })
      return { served }
    } catch (error) {
      if (this.#closed) throw error
      const failed = { failed: await explain(error, ready) }
      if (failed.failed.code === 'InternalError') this.#report(name, error)
      await residence.change(name, () => commit(failed))
      return failed
    }
  }

  /** A change of the configuration alone needs nothing made. */
  async #ready({ definition, served }: FunctionVersion, holds: DisposableStack): Promise<Ready> {
    const { parts } = this.#options
    if (served !== undefined && sameCode(served.definition, definition)) {
      const kept = await loadMade(served.made, parts)
      if (kept !== undefined) return kept
    }
    return make(definition, parts, holds)
  }

  #commitLatest({ name, latest }: FunctionRecord, outcome: Outcome): Promise<void> {
    return this.#options.store.transact(async (tx) => {
      const now = await tx.get('functions', [name])
      // Deleted, perhaps made anew: that has an activation of its own.
      if (now === undefined || !sameDefinition(now.latest.definition, latest.definition)) return
      tx.put('functions', { ...now, latest: settled(now.latest, outcome) })
    })
  }

  #commitVersion({ name, number }: VersionRecord, outcome: Outcome): Promise<void> {
    return this.#options.store.transact(async (tx) => {
      const now = await tx.get('versions', [name, number])
      if (now !== undefined) tx.put('versions', { ...now, ...settled(now, outcome) })
    })
  }

  #report(name: string, error: unknown): void {
    const { observe, now } = this.#options
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    observe({ type: 'host', time: now(), level: 'error', message: `function ${name} could not be made: ${why}` })
  }
}

const DONE: Progress = { status: 'done' }

/** The first outcome decides on the state, later ones on updates only: a function that ran goes on with what it had. */
function settled(version: FunctionVersion, outcome: Outcome): FunctionVersion {
  if ('served' in outcome) return { ...version, served: outcome.served, state: DONE, lastUpdate: DONE }
  const { failed } = outcome
  return version.served === undefined ? { ...version, state: failed, lastUpdate: failed } : { ...version, lastUpdate: failed }
}

const sameDefinition = (a: FunctionDefinition, b: FunctionDefinition): boolean => JSON.stringify(a) === JSON.stringify(b)

const sameCode = (a: FunctionDefinition, b: FunctionDefinition): boolean =>
  String(codeHashes(a)) === String(codeHashes(b)) && a.runtime === b.runtime && a.handler === b.handler

async function explain(error: unknown, ready: Ready | undefined): Promise<Extract<Progress, { readonly status: 'failed' }>> {
  if (error instanceof TopLevelFailure && ready?.sourceMap !== undefined) {
    const origin = { entry: `${TASK_ROOT}/index.mjs`, sourceMapPath: ready.sourceMap.path }
    const { message } = await explainTopLevel(error, origin)
    return { status: 'failed', code: 'FunctionError', reason: message }
  }
  if (error instanceof AmpouleError && error.kind.fault !== 'host')
    return { status: 'failed', code: 'InvalidConfiguration', reason: error.message }
  return { status: 'failed', code: 'InternalError', reason: 'The host could not make the function; its log says why' }
}
