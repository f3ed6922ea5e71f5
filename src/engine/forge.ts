import { Worker } from 'node:worker_threads'
import { AmpouleError, type ErrorCode } from '../errors.ts'
import type { DeployedFunction } from './contract.ts'
import type { ForgeJob, ForgeResult } from './lane-messages.ts'
import type { Material } from './prepare.ts'

interface Waiting {
  readonly resolve: (material: Material) => void
  readonly reject: (error: Error) => void
}

/** Initialisation has its own deadline inside (meter.ts); a thread that exceeds this one hangs where nothing can interrupt it. */
const JOB_MS = 120_000

/** Prepares functions on a thread of its own, one after the other. A job that ends the thread fails alone; the next one gets a new thread. */
export class Forge {
  readonly #restore: 'copy' | 'dirty-pages'
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #nextId = 1

  constructor(restore: 'copy' | 'dirty-pages') {
    this.#restore = restore
  }

  async prepare({ artifact, spec }: DeployedFunction): Promise<Material> {
    const worker = (this.#worker ??= this.#start())
    const id = this.#nextId++
    const timer = setTimeout(() => void worker.terminate(), JOB_MS)
    try {
      return await new Promise<Material>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        worker.postMessage({ id, artifact, spec } satisfies ForgeJob)
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./forge-worker.ts', import.meta.url), { workerData: { restore: this.#restore } })
    let failure: unknown
    worker.on('message', (result: ForgeResult) => {
      const waiting = this.#waiting.get(result.id)
      if ('material' in result) waiting?.resolve(result.material)
      else waiting?.reject(new AmpouleError(result.code as ErrorCode, result.message))
    })
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
