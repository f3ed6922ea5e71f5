/** Host operations that a guest is suspended in (WasiEnvironment.suspend), by the invocation that they belong to. */
export class Waits {
  readonly #pending = new Set<(reason: unknown) => void>()
  readonly #resumed: () => void
  #generation = 0

  /** `resumed` is called before a guest goes on. */
  constructor(resumed: () => void) {
    this.#resumed = resumed
  }

  /** Counts invocations that have ended. */
  get generation(): number {
    return this.#generation
  }

  get pending(): number {
    return this.#pending.size
  }

  suspend<T>(start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void): Promise<T> {
    const generation = this.#generation
    return new Promise<T>((resolve, reject) => {
      let undo: (() => void) | undefined
      let settled = false
      const settle = (then: () => void): void => {
        if (settled) return
        settled = true
        this.#pending.delete(abort)
        undo?.()
        // A completion that belongs to an invocation that is over must not touch the instance (ISOLATION.md 10).
        if (generation !== this.#generation) return
        this.#resumed()
        then()
      }
      const abort = (reason: unknown): void => settle(() => reject(reason))
      this.#pending.add(abort)
      undo = start((value) => settle(() => resolve(value)), abort)
      if (settled) undo()
    })
  }

  /** Ends every wait, so that the guest's stack unwinds: a suspended stack is never forgotten (ISOLATION.md 12). */
  reject(reason: unknown): void {
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const abort of pending) abort(reason)
  }

  /** The invocation's stack has unwound: what completes from now on is late. */
  end(): void {
    this.#generation++
    this.#pending.clear()
  }
}
