/** The errors of Kinesis, with their status. */
const STATUS = {
  ExpiredIteratorException: 400,
  InternalFailureException: 500,
  InvalidArgumentException: 400,
  LimitExceededException: 400,
  ResourceInUseException: 400,
  ResourceNotFoundException: 400,
  SerializationException: 400,
  ServiceUnavailable: 503,
  UnknownOperationException: 400,
  ValidationException: 400,
} as const

export class KinesisError extends Error {
  override readonly name = 'KinesisError'
  readonly type: keyof typeof STATUS

  constructor(type: keyof typeof STATUS, message: string) {
    super(message)
    this.type = type
  }

  get status(): number {
    return STATUS[this.type]
  }
}

export const invalidArgument = (message: string): KinesisError => new KinesisError('InvalidArgumentException', message)

export const noStream = (name: string, account: string): KinesisError =>
  new KinesisError('ResourceNotFoundException', `Stream ${name} under account ${account} not found.`)
