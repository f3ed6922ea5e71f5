import { AmpouleError, type ErrorCode } from '../errors.ts'

interface Kind {
  /** As AWS's service model has it (test/gateway/management/model.test.ts compares). */
  readonly status: number
  readonly code: ErrorCode
}

/** The errors of the management API by Lambda's names; `code` is what they are inside this host. */
export const LAMBDA_ERRORS = {
  AccessDeniedException: { status: 403, code: 'InvalidRequest' },
  CodeStorageExceededException: { status: 400, code: 'InvalidRequest' },
  IncompleteSignatureException: { status: 403, code: 'InvalidRequest' },
  InvalidParameterValueException: { status: 400, code: 'InvalidRequest' },
  InvalidRequestContentException: { status: 400, code: 'InvalidRequest' },
  InvalidRuntimeException: { status: 502, code: 'InvalidComponent' },
  InvalidSignatureException: { status: 403, code: 'InvalidRequest' },
  MissingAuthenticationTokenException: { status: 403, code: 'InvalidRequest' },
  PolicyLengthExceededException: { status: 400, code: 'InvalidRequest' },
  PreconditionFailedException: { status: 412, code: 'InvalidRequest' },
  ProvisionedConcurrencyConfigNotFoundException: { status: 404, code: 'FunctionNotFound' },
  RequestTooLargeException: { status: 413, code: 'PayloadTooLarge' },
  ResourceConflictException: { status: 409, code: 'InvalidRequest' },
  ResourceInUseException: { status: 400, code: 'InvalidRequest' },
  ResourceNotFoundException: { status: 404, code: 'FunctionNotFound' },
  ServiceException: { status: 500, code: 'Internal' },
  TooManyRequestsException: { status: 429, code: 'TooManyRequests' },
  UnknownOperationException: { status: 404, code: 'InvalidRequest' },
  UnrecognizedClientException: { status: 403, code: 'InvalidRequest' },
  UnsupportedMediaTypeException: { status: 415, code: 'InvalidRequest' },
  ValidationException: { status: 400, code: 'InvalidRequest' },
} as const satisfies Record<string, Kind>

export type LambdaErrorType = keyof typeof LAMBDA_ERRORS

/** An answer of Lambda's API that is no success; `message` is the caller's to read. */
export class LambdaError extends AmpouleError {
  override readonly name = 'LambdaError'
  readonly type: LambdaErrorType
  /** Further members of the error, such as `Reason` of a throttle. */
  readonly members: Readonly<Record<string, string>>

  constructor(
    type: LambdaErrorType,
    message: string,
    { members = {}, ...options }: { readonly members?: Readonly<Record<string, string>>; readonly cause?: unknown } = {},
  ) {
    super(LAMBDA_ERRORS[type].code, message, options)
    this.type = type
    this.members = members
  }

  get status(): number {
    return LAMBDA_ERRORS[this.type].status
  }
}

export const invalidParameter = (message: string, options?: { readonly cause?: unknown }): LambdaError =>
  new LambdaError('InvalidParameterValueException', message, options)

export const notFound = (message: string): LambdaError => new LambdaError('ResourceNotFoundException', message)

export const conflict = (message: string): LambdaError => new LambdaError('ResourceConflictException', message)

/** Whoever changes a resource may say which revision the change is for. Throws `PreconditionFailedException` when it is another by now. */
export function requireRevision(given: string | undefined, actual: string): void {
  if (given === undefined || given === actual) return
  throw new LambdaError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  )
}
