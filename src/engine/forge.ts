import { Worker } from 'node:worker_threads'
import { AmpouleError, fromMessage } from '../errors.ts'
import type { Artifact } from '../component/contract.ts'
import type { DeployedFunction } from './contract.ts'
import type { ForgeJob, FromForge } from './lane-messages.ts'
import type { Material } from './prepare.ts'
import type { RestoreStrategy } from './restore/contract.ts'
import { TopLevelFailure } from './script.ts'
import { releaseSnapshot, type Snapshot } from './snapshot.ts'

type Result = Exclude<FromForge, { readonly kind: 'engine' }>

interface Waiting {
  readonly resolve: (result: Result) => void
  readonly reject: (error: Error) => void
}

/** Initialisation has its own deadline inside (meter.ts); a thread that exceeds this one hangs where nothing can interrupt it. */
const JOB_MS = 120_000

/** A job that is not wanted any more may finish within this: with a new thread its engines would have to be made ready again. */
const CANCELLED_MS = 500

/** Prepares functions on a thread of its own. A job that ends the thread fails alone; the next one gets a new thread. */
export class Forge {
  readonly #strategy: RestoreStrategy
  readonly #waiting = new Map<number, Waiting>()
  /** Hashes of the modules that the thread has been given. */
  readonly #known = new Set<string>()
  /** Snapshots of the engines that the thread has ready for scripts, by the id of their artifacts. */
  readonly #engines = new Map<string, Snapshot>()
  #worker: Worker | undefined
  #nextId = 1
  #closed = false

  /** `strategy` is this thread's; the forge's own is of the same kind. */
  constructor(strategy: RestoreStrategy) {
    this.#strategy = strategy
    this.#worker = this.#start()
  }

  /** Rejects with `TopLevelFailure` when the function is a script whose top level fails. `signal` ends it, and whatever the thread does beside it. */
  async prepare(fn: DeployedFunction, signal?: AbortSignal): Promise<Material> {
    const { script } = fn.artifact
    // An engine is more to post than a script: it is left out when it is there.
    const ready = script !== undefined && this.#engines.has(script.engine)
    let result = await this.#ask(fn, ready ? undefined : withoutKnown(fn.artifact, this.#known), signal)
    if (result.kind === 'incomplete') result = await this.#ask(fn, withoutKnown(fn.artifact, new Set()), signal)
    switch (result.kind) {
      case 'prepared':
        return result.material
      case 'failed':
        throw fromMessage(result.error)
      case 'top level failed':
        throw new TopLevelFailure(fn.spec.name, result.message, result.details)
      case 'incomplete':
        throw new AmpouleError('Internal', 'the forge lacks a module that it was given')
      default:
        return result satisfies never
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  async #ask(
    { artifact: { modules, script }, spec }: DeployedFunction,
    artifact: ForgeJob['artifact'],
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    signal?.throwIfAborted()
    if (this.#closed) throw new AmpouleError('ShuttingDown', 'the host is shutting down')
    const worker = (this.#worker ??= this.#start())
    const id = this.#nextId++
    if (artifact !== undefined) for (const { hash } of modules) this.#known.add(hash)
    const terminate = (): void => void worker.terminate()
    let timer = setTimeout(terminate, JOB_MS)
    const cancel = (): void => {
      clearTimeout(timer)
      timer = setTimeout(terminate, CANCELLED_MS)
    }
    signal?.addEventListener('abort', cancel)
    try {
      return await new Promise<Result>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        worker.postMessage({ id, artifact, script, spec } satisfies ForgeJob)
      })
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
      this.#waiting.delete(id)
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./forge-worker.ts', import.meta.url), { workerData: { restore: this.#strategy.name } })
    let failure: unknown
    this.#known.clear()
    worker.on('message', (message: FromForge) => {
      if (message.kind === 'engine') this.#engines.set(message.engine, message.snapshot)
      else this.#waiting.get(message.id)?.resolve(message)
    })
    worker.on('error', (error) => (failure = error))
    worker.on('exit', () => {
      this.#worker = undefined
      for (const snapshot of this.#engines.values()) releaseSnapshot(snapshot, this.#strategy)
      this.#engines.clear()
      for (const { reject } of this.#waiting.values())
        reject(new AmpouleError('InvalidComponent', 'initialising the function ended the thread that ran it', { cause: failure }))
    })
    worker.unref()
    return worker
  }
}

const withoutKnown = ({ script: _script, ...artifact }: Artifact, known: ReadonlySet<string>): ForgeJob['artifact'] => ({
  ...artifact,
  modules: artifact.modules.map((module) => (known.has(module.hash) ? { ...module, bytes: undefined } : module)),
})
