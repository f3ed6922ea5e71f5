/** Whose fault a failure is: it decides who is told what. */
export type Fault = 'caller' | 'guest' | 'host' | 'dependency'

interface ErrorKind {
  readonly status: number
  readonly exitCode: number
  readonly retryable: boolean
  readonly fault: Fault
}

/** The one table from error code to HTTP status (RFC 9110), CLI exit code, whether trying again can help, and fault. */
export const ERROR_KINDS = {
  InvalidConfiguration: { status: 400, exitCode: 2, retryable: false, fault: 'caller' },
  InvalidRequest: { status: 400, exitCode: 2, retryable: false, fault: 'caller' },
  InvalidModule: { status: 400, exitCode: 2, retryable: false, fault: 'caller' },
  InvalidComponent: { status: 400, exitCode: 2, retryable: false, fault: 'caller' },
  BuildFailed: { status: 400, exitCode: 2, retryable: false, fault: 'caller' },
  QueueNotFound: { status: 404, exitCode: 4, retryable: false, fault: 'caller' },
  StreamNotFound: { status: 404, exitCode: 4, retryable: false, fault: 'caller' },
  FunctionNotFound: { status: 404, exitCode: 4, retryable: false, fault: 'caller' },
  PayloadTooLarge: { status: 413, exitCode: 5, retryable: false, fault: 'caller' },
  TooManyRequests: { status: 429, exitCode: 6, retryable: true, fault: 'caller' },
  Cancelled: { status: 499, exitCode: 7, retryable: false, fault: 'caller' },
  FunctionError: { status: 502, exitCode: 1, retryable: false, fault: 'guest' },
  FunctionTrapped: { status: 502, exitCode: 1, retryable: false, fault: 'guest' },
  ResponseTooLarge: { status: 502, exitCode: 1, retryable: false, fault: 'guest' },
  InvalidResponse: { status: 502, exitCode: 1, retryable: false, fault: 'guest' },
  MemoryExceeded: { status: 502, exitCode: 1, retryable: false, fault: 'guest' },
  FuelExhausted: { status: 504, exitCode: 1, retryable: false, fault: 'guest' },
  DeadlineExceeded: { status: 504, exitCode: 1, retryable: true, fault: 'guest' },
  ShuttingDown: { status: 503, exitCode: 8, retryable: true, fault: 'host' },
  HostCapacity: { status: 503, exitCode: 8, retryable: true, fault: 'host' },
  HostUnreachable: { status: 503, exitCode: 8, retryable: true, fault: 'dependency' },
  StoreUnavailable: { status: 503, exitCode: 8, retryable: true, fault: 'dependency' },
  AddressInUse: { status: 500, exitCode: 9, retryable: false, fault: 'caller' },
  Internal: { status: 500, exitCode: 70, retryable: true, fault: 'host' },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_KINDS

/**
 * The base of every error that Ampoule raises on purpose. `message` names the value, the limit and the knob and may be
 * shown to whoever is at fault; anything internal belongs into `cause`, which only the host's log sees.
 */
export class AmpouleError extends Error {
  override readonly name: string = 'AmpouleError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code]
  }
}

/** An error on its way to another thread: structured clones keep neither its class nor its code. */
export interface ErrorMessage {
  readonly code: ErrorCode
  readonly message: string
}

/** What was not raised on purpose is the host's fault. */
export function toMessage(error: unknown): ErrorMessage {
  if (error instanceof AmpouleError) return { code: error.code, message: error.message }
  return { code: 'Internal', message: error instanceof Error ? error.message : String(error) }
}

export const fromMessage = ({ code, message }: ErrorMessage): AmpouleError => new AmpouleError(code, message)
