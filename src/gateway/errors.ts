import { AmpouleError, type ErrorCode } from '../errors.ts'
import { GuestError } from '../invoke/failure.ts'
import type { ReportedError } from '../observe/records.ts'
import { errorPage } from './error-page.ts'
import { PAGE_HEADERS } from './html.ts'

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
  HostUnreachable: 'another host cannot be reached',
  StoreUnavailable: 'a store of the host is away',
  Internal: 'the host failed',
  InvalidComponent: 'the function cannot be called over HTTP',
  InvalidModule: 'the function cannot be run',
  InvalidConfiguration: 'the host is not configured correctly',
  BuildFailed: 'the function cannot be run',
  AddressInUse: 'the host failed',
}

/** How an error is answered. */
export interface ErrorContext {
  readonly requestId: string
  /** Development: everything that helps the author. */
  readonly dev: boolean
  /** The request's `accept`: in development people get a page. */
  readonly accept?: string | undefined
  /** The request, for the page: `GET /path`. */
  readonly about?: string | undefined
}

export interface ErrorAnswer {
  readonly status: number
  /** Name, value, …, without content-length. */
  readonly headers: string[]
  readonly body: ErrorBody
  /** The body, or in development the page that says the same. */
  readonly content: Buffer
}

/** A function that is there but has no version that could be served (yet); only in development. */
export class NotBuiltError extends AmpouleError {
  override readonly name = 'NotBuiltError'
  readonly details: ReportedError

  constructor(code: ErrorCode, details: ReportedError) {
    super(code, details.message)
    this.details = details
  }
}

/** The answer to a failed request; internals only in development, and the host's own never. */
export function errorAnswer(error: AmpouleError, context: ErrorContext): ErrorAnswer {
  const { code, kind } = error
  const { requestId, dev, accept, about } = context
  // The caller did nothing wrong.
  const status = error instanceof NotBuiltError && kind.fault === 'caller' ? 500 : kind.status
  const headers = status === 429 || status === 503 ? ['retry-after', RETRY_AFTER_SECONDS] : []
  const shown =
    dev && (kind.fault !== 'host' || error instanceof NotBuiltError) ? error.message : (PUBLIC_MESSAGES[code] ?? error.message)
  const details = dev ? detailsOf(error) : undefined
  const told = details === undefined ? {} : { error: { name: details.name, message: details.message, stack: details.stack } }
  const body: ErrorBody = { code, message: shown, requestId, ...told }
  if (dev) headers.push('vary', 'accept')
  if (dev && accept?.includes('text/html') === true) {
    const html = errorPage({ code, status, requestId, about, error: details ?? { name: code, message: shown, stack: '' } })
    // While it is being built the browser asks again by itself.
    const refresh = status === 503 ? ['refresh', RETRY_AFTER_SECONDS] : []
    return { status, headers: [...PAGE_HEADERS, ...headers, ...refresh], body, content: Buffer.from(html) }
  }
  return { status, headers: ['content-type', 'application/json', ...headers], body, content: Buffer.from(JSON.stringify(body)) }
}

function detailsOf(error: AmpouleError): ReportedError | undefined {
  if (error instanceof GuestError || error instanceof NotBuiltError) return error.details
  const { cause, kind } = error
  // The frames of a trap: those in the guest tell the author where it happened, those of the host are nobody's business.
  if (kind.fault !== 'guest' || !(cause instanceof Error)) return undefined
  const frames = (cause.stack ?? '').split('\n').filter((line) => line.includes('wasm'))
  return { name: cause.name, message: error.message, stack: frames.map((line) => line.trim()).join('\n') }
}
