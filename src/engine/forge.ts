import { Worker } from 'node:worker_threads'
import { AmpouleError, type ErrorCode } from '../errors.ts'
import type { Artifact } from '../component/contract.ts'
import type { DeployedFunction, FunctionSpec } from './contract.ts'
import type { ForgeJob, ForgeResult } from './lane-messages.ts'
import type { Material } from './prepare.ts'

interface Waiting {
  readonly resolve: (result: ForgeResult) => void
  readonly reject: (error: Error) => void
}

/** Initialisation has its own deadline inside (meter.ts); a thread that exceeds this one hangs where nothing can interrupt it. */
const JOB_MS = 120_000

/** Prepares functions on a thread of its own. A job that ends the thread fails alone; the next one gets a new thread. */
export class Forge {
  readonly #restore: 'copy' | 'dirty-pages'
  readonly #waiting = new Map<number, Waiting>()
  /** Hashes of the modules that the thread has been given. */
  readonly #known = new Set<string>()
  #worker: Worker | undefined
  #nextId = 1
  #closed = false

  constructor(restore: 'copy' | 'dirty-pages') {
    this.#restore = restore
    this.#worker = this.#start()
  }

  async prepare({ artifact, spec }: DeployedFunction): Promise<Material> {
    let result = await this.#ask(artifact, spec, this.#known)
    if (result.kind === 'incomplete') result = await this.#ask(artifact, spec, new Set())
    if (result.kind === 'prepared') return result.material
    if (result.kind === 'failed') throw new AmpouleError(result.code as ErrorCode, result.message)
    throw new AmpouleError('Internal', 'the forge lacks a module that it was given')
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  async #ask(artifact: Artifact, spec: FunctionSpec, known: ReadonlySet<string>): Promise<ForgeResult> {
    if (this.#closed) throw new AmpouleError('ShuttingDown', 'the host is shutting down')
    const worker = (this.#worker ??= this.#start())
    const id = this.#nextId++
    const modules = artifact.modules.map((module) => (known.has(module.hash) ? { ...module, bytes: undefined } : module))
    for (const { hash } of artifact.modules) this.#known.add(hash)
    const timer = setTimeout(() => void worker.terminate(), JOB_MS)
    try {
      return await new Promise<ForgeResult>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        worker.postMessage({ id, artifact: { ...artifact, modules }, spec } satisfies ForgeJob)
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./forge-worker.ts', import.meta.url), { workerData: { restore: this.#restore } })
    let failure: unknown
    this.#known.clear()
    worker.on('message', (result: ForgeResult) => this.#waiting.get(result.id)?.resolve(result))
    worker.on('error', (error) => (failure = error))
    worker.on('exit', () => {
      this.#worker = undefined
      for (const { reject } of this.#waiting.values())
        reject(new AmpouleError('InvalidComponent', 'initialising the function ended the thread that ran it', { cause: failure }))
    })
    worker.unref()
    return worker
  }
}
