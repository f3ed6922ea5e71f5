/** The errors of CloudWatch Logs' API, and their status. */
const LOGS_ERRORS = {
  AccessDeniedException: 400,
  InvalidParameterException: 400,
  ResourceNotFoundException: 400,
  SerializationException: 400,
  ServiceUnavailableException: 503,
  UnknownOperationException: 400,
} as const

export type LogsErrorType = keyof typeof LOGS_ERRORS

/** An answer of the logs' API that is no success; `message` is the caller's to read. */
export class LogsError extends Error {
  override readonly name = 'LogsError'
  readonly type: LogsErrorType

  constructor(type: LogsErrorType, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.type = type
  }

  get status(): number {
    return LOGS_ERRORS[this.type]
  }
}

export const invalid = (message: string): LogsError => new LogsError('InvalidParameterException', message)

export const noSuchGroup = (): LogsError => new LogsError('ResourceNotFoundException', 'The specified log group does not exist.')

export const noSuchStream = (): LogsError =>
  new LogsError('ResourceNotFoundException', 'The specified log stream does not exist.')
