import type { Appended, NewStreamRecord, StreamEngine } from '../store/stream.ts'

/** Streams with readers that wait. Every record goes in here, so that those who wait for it are woken. */
export class Streams {
  readonly engine: StreamEngine
  /** By stream; called when there may be records or shards. */
  readonly #readers = new Map<string, Set<() => void>>()

  constructor(engine: StreamEngine) {
    this.engine = engine
    engine.watch?.((name) => this.wake(name))
  }

  async append(name: string, records: readonly NewStreamRecord[]): Promise<readonly Appended[]> {
    const appended = await this.engine.append(name, records)
    this.wake(name)
    return appended
  }

  /** There may be something to read. */
  wake(name: string): void {
    for (const wake of this.#readers.get(name) ?? []) wake()
  }

  /** Calls `wake` whenever there may be something to read, until the function that this gives is called. */
  watch(name: string, wake: () => void): () => void {
    const readers = this.#readers.get(name) ?? new Set()
    this.#readers.set(name, readers.add(wake))
    return () => {
      readers.delete(wake)
      if (readers.size === 0) this.#readers.delete(name)
    }
  }

  close(): Promise<void> {
    return this.engine.close()
  }
}
