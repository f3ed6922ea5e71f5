import { AmpouleError } from '../errors.ts'
import type { HostImport } from '../component/contract.ts'
import type {
  CanonicalOptions,
  CreateWasi,
  GuestRequest,
  HttpCall,
  HttpLimits,
  IsSupported,
  LoweredFunction,
  Wasi,
  WasiEnvironment,
  WasiState,
} from './contract.ts'
import { guard } from './guard.ts'
import type { TableBase } from './handles.ts'
import { Host } from './host.ts'
import { openCall } from './http/call.ts'
import { findFunction, findResource } from './interfaces.ts'
import { GuestMemory } from './memory.ts'
import { reviveState, sameData, saveState } from './snapshot.ts'
import type { SavedState } from './state.ts'

export { ExitError } from './cli.ts'

/** Whether the host has the function; versions 0.2.x are all accepted. */
export const isSupported: IsSupported = (item) => (item.kind === 'lower' ? findFunction(item) : findResource(item)) !== undefined

/** WASI 0.2 (https://github.com/WebAssembly/WASI) for one component instance, at the canonical ABI's core level. */
export const createWasi: CreateWasi = (environment) => new WasiHost(environment)

/**
 * A trap, an exit and every other throw of a host function end the instance: until the next `restore` each host function throws
 * the same again, whatever the guest caught.
 */
class WasiHost implements Wasi {
  readonly #host: Host
  /** What was restored last, to find out cheaply what differs from it. */
  #base: { readonly state: WasiState; readonly held: number; readonly table: TableBase } | undefined = undefined

  constructor(environment: WasiEnvironment) {
    this.#host = new Host(environment)
  }

  lower(item: HostImport, options: CanonicalOptions): LoweredFunction | undefined {
    const host = this.#host
    if (item.kind === 'resource.drop') {
      const kind = findResource(item)
      if (kind === undefined) return undefined
      return { suspending: false, call: guard(host, (handle: number) => host.table.drop(handle, kind), false) }
    }
    const found = findFunction(item)
    if (found === undefined) return undefined
    const fn = found.make(host, new GuestMemory(options, host))
    return { suspending: found.suspending, call: guard(host, fn, found.suspending) }
  }

  save(): WasiState {
    return saveState(this.#host)
  }

  restore(state: WasiState): void {
    const host = this.#host
    host.endInvocation()
    const base = this.#base
    if (base !== undefined && base.state === state && host.table.rewind(base.table) && host.tree.changes === 0) {
      host.account.reset(base.held)
      return
    }
    this.#base = undefined
    const saved = asSavedState(state)
    reviveState(host, saved)
    this.#base = { state, held: saved.held, table: host.table.mark() }
    host.clockDraws = 0
  }

  equals(state: WasiState): boolean {
    try {
      return sameData(this.save(), state)
    } catch (error) {
      if (error instanceof AmpouleError) return false
      throw error
    }
  }

  http(request: GuestRequest, limits: HttpLimits): HttpCall {
    return openCall(this.#host, request, limits)
  }

  finish(error?: unknown): void {
    this.#host.exchange?.finish(error)
    this.#host.exchange = undefined
  }

  draws(): { readonly random: number; readonly clock: number } {
    return { random: this.#host.randomDraws, clock: this.#host.clockDraws }
  }
}

function asSavedState(state: WasiState): SavedState {
  if (typeof state !== 'object' || state === null || !('handles' in state) || !('nodes' in state)) {
    throw new AmpouleError('Internal', 'not a state that save() gave')
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return state as SavedState
}
