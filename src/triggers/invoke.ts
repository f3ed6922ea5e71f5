import { Throttled } from '../engine/failure.ts'
import { AmpouleError } from '../errors.ts'
import type { Target } from '../invoke/route.ts'
import { LambdaError } from '../functions/lambda-error.ts'
import { QUOTAS } from '../functions/quotas.ts'
import { invokeScheduled } from '../invoke/batch.ts'
import type { ScheduleTick } from '../invoke/batch-event.ts'
import { GuestError } from '../invoke/failure.ts'
import { Invocation, type InvocationOptions } from '../invoke/invocation.ts'
import { invokeValue, type HostedFunction } from '../invoke/invoke.ts'
import { LogTail } from '../observe/lambda-log.ts'

/** A synchronous invocation through Lambda's Invoke. */
export interface InvokeRequest {
  readonly payload: Uint8Array
  /** `X-Amz-Client-Context`: base64 of a JSON object. */
  readonly clientContext: string | undefined
  /** Default: a new one. */
  readonly requestId?: string
  /** `X-Amz-Log-Type: Tail`. */
  readonly tail: boolean
  readonly arn: string
  readonly target: Target
  /** It is this tick of a schedule, and nothing else is read of `payload`. */
  readonly tick?: ScheduleTick
}

export interface InvokeAnswer {
  readonly payload: string
  /** Set when the function failed: `Unhandled`. */
  readonly functionError: string | undefined
  /** Base64. */
  readonly logResult: string | undefined
}

export interface Prepared {
  readonly invocation: Invocation
  /** Never rejects for a failure of the function; rejects with a `LambdaError` for everything else. */
  readonly run: (hosted: HostedFunction) => Promise<InvokeAnswer>
}

/** AWS Lambda, Invoke: "up to 3,583 bytes of base64-encoded data". */
const MAX_CLIENT_CONTEXT = 3_583

/** Reads a request. Throws `InvalidRequestContentException` and `RequestTooLargeException`. */
export function prepareInvoke(request: InvokeRequest, options: InvocationOptions): Prepared {
  const { target, arn } = request
  const payload = request.tick === undefined ? readPayload(request.payload) : undefined
  const client = readClientContext(request.clientContext)
  const name = target.settings.name
  if (!request.tail) {
    const invocation = new Invocation(name, options, undefined, request.requestId)
    return { invocation, run: (hosted) => run(hosted, invocation, undefined) }
  }
  // The tail is named by the request, which the invocation makes: it hears of it by the first record.
  let tail: LogTail | undefined
  const invocation: Invocation = new Invocation(name, {
    ...options,
    reports: 'all',
    observe: (record) => observe(record),
  })
  tail = new LogTail(invocation.requestId, target.version, target.settings)
  const observe = tail.beside(options.observe, options.reports)
  return { invocation, run: (hosted) => run(hosted, invocation, tail) }

  async function run(hosted: HostedFunction, own: Invocation, log: LogTail | undefined): Promise<InvokeAnswer> {
    const invoked = { version: target.version, arn, ...(client !== undefined && { client }) }
    try {
      const { answer } =
        request.tick === undefined
          ? await invokeValue(hosted, own, payload, invoked)
          : await invokeScheduled(hosted, own, request.tick, invoked)
      const text = JSON.stringify(answer ?? null)
      return { payload: text, functionError: undefined, logResult: log?.base64() }
    } catch (error) {
      const failure = functionFailure(error, own, target)
      return { payload: JSON.stringify(failure), functionError: 'Unhandled', logResult: log?.base64() }
    }
  }
}

/** Whether an asynchronous invocation could be read when it runs. Throws `InvalidRequestContentException` and `RequestTooLargeException`. */
export function checkEvent(payload: Uint8Array, clientContext: string | undefined): void {
  if (payload.length > QUOTAS.eventBytes)
    throw new LambdaError(
      'RequestTooLargeException',
      `Request must be smaller than ${QUOTAS.eventBytes} bytes for the InvokeFunction operation with InvocationType Event`,
    )
  readPayload(payload)
  readClientContext(clientContext)
}

function readPayload(bytes: Uint8Array): unknown {
  if (bytes.length > QUOTAS.payloadBytes)
    throw new LambdaError(
      'RequestTooLargeException',
      `Request must be smaller than ${QUOTAS.payloadBytes} bytes for the InvokeFunction operation`,
    )
  if (bytes.length === 0) return {}
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new LambdaError('InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`)
  }
}

function readClientContext(text: string | undefined): object | undefined {
  if (text === undefined || text === '') return undefined
  const refused = () =>
    new LambdaError(
      'InvalidRequestContentException',
      `Client context must be a valid Base64-encoded JSON object of up to ${MAX_CLIENT_CONTEXT} bytes.`,
    )
  if (text.length > MAX_CLIENT_CONTEXT) throw refused()
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
  } catch {
    throw refused()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused()
  return value
}

/** What the function's failure looks like to its caller. Throws what is not the function's failure as a `LambdaError`. */
function functionFailure(error: unknown, { requestId }: Invocation, { settings }: Target): object {
  if (error instanceof GuestError) {
    const { name, message, stack } = error.details
    const frames = stack.split('\n').filter((line) => line.trim() !== '')
    return { errorType: name, errorMessage: message, trace: [`${name}: ${message}`, ...frames] }
  }
  if (!(error instanceof AmpouleError)) throw new LambdaError('ServiceException', 'the host failed', { cause: error })
  const { code, message } = error
  const about = (errorType: string, text: string): object => ({
    errorType,
    errorMessage: `RequestId: ${requestId} Error: ${text}`,
  })
  switch (code) {
    case 'DeadlineExceeded':
      return about('Sandbox.Timedout', `Task timed out after ${(settings.timeoutMs / 1000).toFixed(2)} seconds`)
    case 'MemoryExceeded':
      return about('Runtime.OutOfMemory', message)
    case 'FuelExhausted':
      return about('Runtime.OutOfFuel', message)
    case 'FunctionTrapped':
    case 'FunctionError':
      return about('Runtime.ExitError', message)
    case 'InvalidResponse':
      return about('Runtime.InvalidResponse', message)
    case 'ResponseTooLarge':
      return {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: `Response payload size exceeded maximum allowed payload size (${QUOTAS.payloadBytes} bytes).`,
      }
    case 'Cancelled':
      // Nobody is there to be told.
      throw error
    default:
      throw toLambdaError(error)
  }
}

/** What is over after a while. */
const PASSING: ReadonlySet<string> = new Set(['ShuttingDown', 'StoreUnavailable'])

/** What the host itself says instead of an answer. */
export function toLambdaError(error: unknown): LambdaError {
  if (error instanceof LambdaError) return error
  if (!(error instanceof AmpouleError)) return new LambdaError('ServiceException', 'The host failed', { cause: error })
  const { code, message } = error
  switch (code) {
    case 'TooManyRequests':
      return new LambdaError('TooManyRequestsException', 'Rate Exceeded.', {
        members: {
          Reason:
            error instanceof Throttled && error.limit === 'shared quota'
              ? 'ConcurrentInvocationLimitExceeded'
              : 'ReservedFunctionConcurrentInvocationLimitExceeded',
        },
        cause: error,
      })
    case 'PayloadTooLarge':
      return new LambdaError('RequestTooLargeException', message, { cause: error })
    case 'InvalidRequest':
      return new LambdaError('InvalidRequestContentException', message, { cause: error })
    case 'InvalidComponent':
      return new LambdaError('InvalidRuntimeException', message, { cause: error })
    default:
      // Of the host's own failures nobody outside learns more.
      return new LambdaError('ServiceException', PASSING.has(code) ? message : 'The host failed', { cause: error })
  }
}
