import type { ArtifactStore } from '../component/store.ts'
import type { Observer } from '../observe/records.ts'
import type { CodeStore } from '../store/code.ts'

export interface GarbageOptions {
  readonly code: CodeStore
  readonly artifacts: ArtifactStore
  readonly observe: Observer
  readonly now: () => number
}

/** Removes from the data folder what no record stands on any more. What cannot be removed is told of, and left to the next start. */
export class Garbage {
  readonly #options: GarbageOptions
  readonly #running = new Set<Promise<void>>()

  constructor(options: GarbageOptions) {
    this.#options = options
  }

  /** Looks at what a record stood on that is gone or was changed. Never rejects. */
  collect(references: readonly string[]): Promise<void> {
    const { code, artifacts } = this.#options
    return this.#run(() => Promise.all([code.collect(references), artifacts.collect(references)]))
  }

  /** Looks at everything, in the background. */
  collectAll(): void {
    const { code, artifacts } = this.#options
    void this.#run(() => Promise.all([code.collectAll(), artifacts.collectAll()]))
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#running)
  }

  #run(work: () => Promise<unknown>): Promise<void> {
    const { observe, now } = this.#options
    const done: Promise<void> = work()
      .catch((error: unknown) => {
        const message = `unused code could not be removed: ${String(error)}`
        observe({ type: 'host', time: now(), level: 'error', message })
      })
      .then(() => void this.#running.delete(done))
    this.#running.add(done)
    return done
  }
}
