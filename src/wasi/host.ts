import { Account } from './account.ts'
import type { WasiEnvironment } from './contract.ts'
import { Tree } from './filesystem/tree.ts'
import { HandleTable } from './handles.ts'
import type { Exchange } from './http/exchange.ts'
import type { Waitable } from './io/poll.ts'
import { trap } from './trap.ts'

/** Less work than this costs about as much as telling of it. */
const REPORTED_WORK = 1000

/** Everything that belongs to one instance: what the host functions work on. */
export class Host {
  readonly environment: WasiEnvironment
  readonly account: Account
  readonly table: HandleTable
  readonly tree: Tree
  /** The HTTP call in progress. */
  exchange: Exchange | undefined = undefined
  /** True while the guest's realloc runs: it must not call imports (canonical ABI, `may_leave`). */
  leaveForbidden = false
  randomDraws = 0
  clockDraws = 0
  /** A trap or exit; the guest may have caught it (ISOLATION.md 12), so every later call throws it again. */
  #ended: { readonly reason: unknown } | undefined = undefined
  readonly #waits = new Set<() => void>()

  constructor(environment: WasiEnvironment) {
    this.environment = environment
    this.account = new Account(environment)
    this.table = new HandleTable(this.account)
    this.tree = new Tree(
      this.account,
      () => this.wallClock(),
      (units) => this.work(units),
    )
  }

  /** To be called first by every host function. */
  enter(): void {
    this.environment.assertAlive()
    if (this.#ended !== undefined) throw this.#ended.reason
    if (this.leaveForbidden) trap('an import was called from within realloc')
  }

  /** Tells the engine of work that grows with what the guest asks for; small amounts are part of the call. */
  work(units: number): void {
    if (units >= REPORTED_WORK) this.environment.work?.(units)
  }

  /** No host function answers from now on until the next restore. */
  end(reason: unknown): void {
    this.#ended ??= { reason }
  }

  wallClock(): bigint {
    this.clockDraws++
    return this.environment.wallClock()
  }

  randomBytes(length: number): Uint8Array {
    this.randomDraws++
    return this.environment.randomBytes(length)
  }

  /** Suspends the guest until one of `waitables` may be ready. The caller looks again: it may not be. */
  async wait(waitables: readonly Waitable[]): Promise<void> {
    await this.environment.suspend<void>((resolve) => {
      const undos: (() => void)[] = []
      const undo = (): void => {
        if (!this.#waits.delete(undo)) return
        for (const one of undos) one()
      }
      this.#waits.add(undo)
      const wake = (): void => {
        undo()
        resolve()
      }
      for (const waitable of waitables) undos.push(waitable.onReady(wake))
      return undo
    })
    this.enter()
  }

  /** Ends what outlives a call: waits, the HTTP call, marks of this invocation. */
  endInvocation(): void {
    for (const undo of this.#waits) undo()
    this.exchange?.finish(undefined)
    this.exchange = undefined
    this.leaveForbidden = false
    this.#ended = undefined
    this.randomDraws = 0
    this.clockDraws = 0
  }
}
