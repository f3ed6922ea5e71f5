import type { Worker } from 'node:worker_threads'
import { AmpouleError } from '../errors.ts'
import type { LaneOptions } from './contract.ts'

type Watch = NonNullable<LaneOptions['watch']>

const WATCH: Watch = { everyMs: 1_000, silentMs: 15_000 }
/** So long a thread may take to load the host's own code, before it beats for the first time. */
const LOADING_MS = 30_000

interface Watched {
  readonly number: number
  readonly worker: Worker
  readonly hung: (reason: AmpouleError) => void
  /** Before the thread has beaten for the first time. */
  loading: boolean
  beat: number
  silentSince: number
}

/** Whether the event loops of the lanes turn, from the moment that their threads start: each counts up its own number in shared memory. */
export class Heartbeats {
  readonly buffer: SharedArrayBuffer
  readonly #beats: Int32Array
  readonly #watch: Watch
  readonly #watched = new Set<Watched>()
  readonly #timer: NodeJS.Timeout

  constructor(lanes: number, watch: Watch = WATCH) {
    this.buffer = new SharedArrayBuffer(lanes * Int32Array.BYTES_PER_ELEMENT)
    this.#beats = new Int32Array(this.buffer)
    this.#watch = watch
    this.#timer = setInterval(() => this.#check(), watch.everyMs).unref()
  }

  /** Until the thread ends. One that hangs is terminated after `hung` was told why. */
  watch(number: number, worker: Worker, hung: (reason: AmpouleError) => void): void {
    const beat = Atomics.load(this.#beats, number)
    const watched = { number, worker, hung, loading: true, beat, silentSince: performance.now() }
    this.#watched.add(watched)
    worker.once('exit', () => this.#watched.delete(watched))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #check(): void {
    const now = performance.now()
    for (const watched of this.#watched) {
      const beat = Atomics.load(this.#beats, watched.number)
      const limitMs = watched.loading ? Math.max(LOADING_MS, this.#watch.silentMs) : this.#watch.silentMs
      if (beat !== watched.beat) Object.assign(watched, { beat, silentSince: now, loading: false })
      else if (now - watched.silentSince > limitMs) {
        this.#watched.delete(watched)
        watched.hung(
          new AmpouleError('Internal', `lane ${watched.number} was ended: its event loop has not turned for ${limitMs} ms`),
        )
        void watched.worker.terminate()
      }
    }
  }
}
