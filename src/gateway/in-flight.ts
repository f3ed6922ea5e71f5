import type { AmpouleError } from '../errors.ts'

/** What can be ended before its time. */
export interface Running {
  abort(reason: AmpouleError): void
}

/**
 * The requests that a lane is working on. States: open -> draining (nothing new is taken) -> ended; there is no way back.
 */
export class InFlight {
  readonly #running = new Set<Running>()
  readonly #waiting = new Set<() => void>()
  #draining = false

  get draining(): boolean {
    return this.#draining
  }

  get size(): number {
    return this.#running.size
  }

  enter(running: Running): void {
    this.#running.add(running)
  }

  leave(running: Running): void {
    this.#running.delete(running)
    if (this.#running.size > 0) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  /** Counts as running until what it gives is called: work around an invocation that a lane must not end without. */
  hold(): () => void {
    const held: Running = { abort: () => undefined }
    this.enter(held)
    return () => this.leave(held)
  }

  drain(): void {
    this.#draining = true
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  abortAll(reason: AmpouleError): void {
    for (const running of this.#running) running.abort(reason)
  }
}
