import type { WasiEnvironment } from '../contract.ts'
import { Kind, Resource } from '../handles.ts'
import type { Describer, SavedResource } from '../state.ts'

export interface Waitable {
  ready(): boolean
  /** Calls `wake` once, later, when it may be ready; gives what takes the wish back. Holds no timer or listener after either. */
  onReady(wake: () => void): () => void
}

/** Those who wait for one condition. */
export class Waiters {
  /** Made when somebody waits: most conditions are never waited for. */
  #wakes: Set<() => void> | undefined

  add(wake: () => void): () => void {
    const wakes = (this.#wakes ??= new Set())
    wakes.add(wake)
    return () => {
      wakes.delete(wake)
    }
  }

  wake(): void {
    if (this.#wakes === undefined || this.#wakes.size === 0) return
    const wakes = [...this.#wakes]
    this.#wakes.clear()
    for (const wake of wakes) wake()
  }
}

export const POLLABLE: Kind<Pollable> = new Kind('pollable')

/** wasi:io/poll pollable of a stream or future (its parent) or of a timer. */
export class Pollable extends Resource {
  override readonly kind = POLLABLE
  readonly target: Waitable

  constructor(target: Waitable) {
    super()
    this.target = target
  }

  override describe(describer: Describer): SavedResource {
    if (this.target instanceof Timer) return { type: 'timer', when: this.target.when }
    if (this.parent === undefined) throw new Error('a pollable has neither a timer nor a parent')
    return { type: 'pollable', parent: describer.handle(this.parent) }
  }
}

/** setTimeout's greatest delay; longer timers are armed again. */
const MAX_DELAY_MS = 0x7fff_ffff

/** A moment of the monotonic clock. Armed only while a guest waits for it, so nothing is left when the wait ends. */
export class Timer implements Waitable {
  readonly when: bigint
  readonly #environment: WasiEnvironment

  constructor(when: bigint, environment: WasiEnvironment) {
    this.when = when
    this.#environment = environment
  }

  ready(): boolean {
    return this.#environment.monotonicClock() >= this.when
  }

  onReady(wake: () => void): () => void {
    const left = this.when - this.#environment.monotonicClock()
    const ms = left <= 0n ? 0 : Math.min(Math.ceil(Number(left) / 1e6), MAX_DELAY_MS)
    const timer = setTimeout(wake, ms)
    return () => clearTimeout(timer)
  }
}
