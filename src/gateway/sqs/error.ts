/** The errors of SQS, with their codes in the query protocol, which clients still know them by (`x-amzn-query-error`). */
const SQS_ERRORS = {
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InternalError: 'InternalError',
  InvalidAddress: 'InvalidAddress',
  InvalidAttributeName: 'InvalidAttributeName',
  InvalidAttributeValue: 'InvalidAttributeValue',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  InvalidMessageContents: 'InvalidMessageContents',
  InvalidParameterValue: 'InvalidParameterValue',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  MissingParameter: 'MissingParameter',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  ReceiptHandleIsInvalid: 'ReceiptHandleIsInvalid',
  ResourceNotFoundException: 'ResourceNotFoundException',
  SerializationException: 'SerializationException',
  ServiceUnavailable: 'ServiceUnavailable',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnknownOperation: 'InvalidAction',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
} as const

export type SqsErrorName = keyof typeof SQS_ERRORS

/** An answer of SQS that is no success; `message` is the caller's to read. */
export class SqsError extends Error {
  override readonly name = 'SqsError'
  readonly error: SqsErrorName

  constructor(error: SqsErrorName, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.error = error
  }

  get status(): number {
    return this.error === 'InternalError' ? 500 : this.error === 'ServiceUnavailable' ? 503 : 400
  }

  get type(): string {
    return `com.amazonaws.sqs#${this.error}`
  }

  /** Without the service's prefix; also what entries of a batch failed with. */
  get code(): string {
    return SQS_ERRORS[this.error]
  }

  get headers(): Readonly<Record<string, string>> {
    return { 'x-amzn-query-error': `${this.code};${this.status >= 500 ? 'Receiver' : 'Sender'}` }
  }
}

export const invalidValue = (message: string): SqsError => new SqsError('InvalidParameterValue', message)

export const noSuchQueue = (): SqsError => new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
