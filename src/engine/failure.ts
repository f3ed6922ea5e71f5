import { AmpouleError } from '../errors.ts'
import type { MemoryAccount } from './account.ts'
import type { Meter } from './meter.ts'
import { describeTrap, STACK_EXHAUSTED } from './trap.ts'

/** What the guest itself answered as an error (the event world's err bytes, not decoded). */
export class GuestFailure extends AmpouleError {
  override readonly name = 'GuestFailure'
  readonly payload: Uint8Array
  /** Set when the guest was refused memory on its way there: its limit in MiB. */
  readonly refusedAtMb: number | undefined

  constructor(payload: Uint8Array, refusedAtMb?: number) {
    super('FunctionError', 'the function failed')
    this.payload = payload
    this.refusedAtMb = refusedAtMb
  }
}

/** An invocation was not admitted; `limit` says which one is used up: the version's own, that of its quota, or what all others share. */
export class Throttled extends AmpouleError {
  override readonly name = 'Throttled'
  readonly limit: 'function' | 'own quota' | 'shared quota'

  constructor(limit: Throttled['limit'], message: string) {
    super('TooManyRequests', message)
    this.limit = limit
  }
}

/** The words for whatever came out of a guest's stack. The first cause wins: a doomed guest is ended by all sorts of traps. */
export function toAmpouleError(error: unknown, meter: Meter, account: MemoryAccount): AmpouleError {
  if (meter.doomed !== undefined) return meter.doomed
  if (error instanceof AmpouleError) return error
  if (account.refused && (error instanceof WebAssembly.RuntimeError || error instanceof WebAssembly.Exception))
    return new AmpouleError(
      'MemoryExceeded',
      `the function reached its memory limit of ${account.limit / 1024 / 1024} MiB; raise "memoryMb" in ampoule.jsonc to allow more`,
      { cause: error },
    )
  if (error instanceof WebAssembly.RuntimeError)
    return new AmpouleError('FunctionTrapped', `the function trapped: ${describeTrap(error.message)}`, { cause: error })
  if (error instanceof WebAssembly.SuspendError)
    return new AmpouleError(
      'FunctionTrapped',
      'the function trapped: it waits in code that cannot be suspended (cabi_realloc, a destructor or a start function)',
      { cause: error },
    )
  if (error instanceof WebAssembly.Exception)
    return new AmpouleError('FunctionTrapped', 'the function threw an exception that nothing caught', { cause: error })
  if (error instanceof RangeError && /call stack/i.test(error.message))
    return new AmpouleError('FunctionTrapped', `the function trapped: ${STACK_EXHAUSTED}`, {
      cause: error,
    })
  if (typeof error === 'object' && error !== null && 'code' in error && error instanceof Error && error.name === 'ExitError')
    return new AmpouleError('FunctionError', `the function exited with code ${String(error.code)}`, { cause: error })
  return new AmpouleError('Internal', 'the host failed while it ran the function', { cause: error })
}
