import { AmpouleError, type ErrorCode } from '../../errors.ts'
import { LAMBDA_ERRORS, type LambdaErrorType } from '../../functions/lambda-error.ts'
import type { ReceivedAnswer } from './binding.ts'

/** What the management API refused, by Lambda's name for it. */
export class ApiError extends AmpouleError {
  override readonly name = 'ApiError'
  readonly type: string

  constructor(type: string, code: ErrorCode, message: string) {
    super(code, message)
    this.type = type
  }
}

/** For `catch`: nothing instead of a refusal of these types. */
export const unless =
  (...types: readonly string[]) =>
  (error: unknown): undefined => {
    if (!(error instanceof ApiError) || !types.includes(error.type)) throw error
  }

const KEY = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an access key of the host, which "ampoule key create" makes there'

/** What to do about a refusal, where that is not for the command to say. */
const FIXES: Readonly<Record<string, string>> = {
  MissingAuthenticationTokenException: KEY,
  IncompleteSignatureException: KEY,
  UnrecognizedClientException: `${KEY}; a host knows the keys that there were when it started`,
  InvalidSignatureException: `${KEY}, and see that the clocks of both machines agree`,
  TooManyRequestsException: 'try again, or raise the limit: ampoule concurrency show',
  PreconditionFailedException: 'somebody else has changed it meanwhile: try again',
}

/** The error that an answer is, in words for whoever typed the command. */
export function readFailure({ status, headers, body }: ReceivedAnswer, endpoint: URL): AmpouleError {
  // AWS puts more behind a colon.
  const type = headers['x-amzn-errortype']?.split(':')[0]
  const message = messageOf(body)
  if (type === undefined || message === undefined)
    return new AmpouleError(
      'HostUnreachable',
      `${endpoint.origin} answered ${status}, but not as the management API of a host does: name its address with --endpoint URL`,
    )
  const fix = FIXES[type]
  return new ApiError(type, codeOf(type, status), `${message.replace(/\.$/, '')} (${type})${fix === undefined ? '' : `: ${fix}`}`)
}

function codeOf(type: string, status: number): ErrorCode {
  if (Object.hasOwn(LAMBDA_ERRORS, type)) return LAMBDA_ERRORS[type as LambdaErrorType].code
  return status >= 500 ? 'Internal' : 'InvalidRequest'
}

function messageOf(body: Uint8Array): string | undefined {
  try {
    const { message, Message = message } = JSON.parse(Buffer.from(body).toString('utf8')) as {
      message?: unknown
      Message?: unknown
    }
    return typeof Message === 'string' ? Message : undefined
  } catch {
    return undefined
  }
}

/** What a connection failed with, in the same way. */
export function explainConnection(error: unknown, endpoint: URL): AmpouleError {
  const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
  return new AmpouleError(
    'HostUnreachable',
    code === 'ECONNRESET' || code === 'EPIPE'
      ? `the connection to the host at ${endpoint.origin} was lost (${code}): try again`
      : `there is no host at ${endpoint.origin} (${code}): start one with "ampoule serve --data DIR", or name its management API with --endpoint URL or AMPOULE_ENDPOINT`,
    { cause: error },
  )
}
