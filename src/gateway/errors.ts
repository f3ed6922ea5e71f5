import type { AmpouleError, ErrorCode } from '../errors.ts'
import { GuestError } from '../invoke/failure.ts'

/** Body of every answer that the host gives in place of a function. */
interface ErrorBody {
  readonly code: ErrorCode
  readonly message: string
  readonly requestId: string
  /** Only in development: what the guest said. */
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string }
}

/** Seconds after which a client may try again. */
const RETRY_AFTER_SECONDS = '1'

/** What clients are told about failures that are not theirs. What the caller did wrong may be said in full. */
const PUBLIC_MESSAGES: Partial<Record<ErrorCode, string>> = {
  FunctionError: 'the function failed',
  FunctionTrapped: 'the function failed',
  ResponseTooLarge: 'the function answered with more than it may',
  InvalidResponse: "the function's answer is not valid",
  MemoryExceeded: 'the function needed more memory than it has',
  FuelExhausted: 'the function used up its work budget',
  DeadlineExceeded: 'the function did not answer in time',
  ShuttingDown: 'the host is shutting down',
  HostCapacity: 'the host has no capacity left',
  Internal: 'the host failed',
  InvalidComponent: 'the function cannot be called over HTTP',
  InvalidModule: 'the function cannot be run',
  InvalidConfiguration: 'the host is not configured correctly',
  BuildFailed: 'the function cannot be run',
  AddressInUse: 'the host failed',
}

export interface ErrorAnswer {
  readonly status: number
  /** Name, value, …, without content-length. */
  readonly headers: string[]
  readonly body: ErrorBody
}

/** The answer to a failed request; internals only in development, and the host's own never. */
export function errorAnswer(error: AmpouleError, requestId: string, dev: boolean): ErrorAnswer {
  const { code, kind } = error
  const headers = ['content-type', 'application/json']
  if (kind.status === 429 || kind.status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS)
  const shown = dev && kind.fault !== 'host' ? error.message : (PUBLIC_MESSAGES[code] ?? error.message)
  const details = dev && kind.fault === 'guest' ? guestDetails(error) : undefined
  return {
    status: kind.status,
    headers,
    body: { code, message: shown, requestId, ...(details === undefined ? {} : { error: details }) },
  }
}

function guestDetails(error: AmpouleError): ErrorBody['error'] {
  if (error instanceof GuestError) return error.details
  const { cause } = error
  // The frames of a trap: those in the guest tell the author where it happened, those of the host are nobody's business.
  if (!(cause instanceof Error)) return undefined
  const frames = (cause.stack ?? '').split('\n').filter((line, index) => index === 0 || line.includes('wasm'))
  return { name: cause.name, message: cause.message, stack: frames.join('\n') }
}
