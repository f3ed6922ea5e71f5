/** The errors of EventBridge Scheduler's API. */
const STATUS = {
  ConflictException: 409,
  InternalServerException: 500,
  ResourceNotFoundException: 404,
  ServiceQuotaExceededException: 402,
  ValidationException: 400,
} as const

export class SchedulerError extends Error {
  override readonly name = 'SchedulerError'
  readonly type: keyof typeof STATUS

  constructor(type: keyof typeof STATUS, message: string) {
    super(message)
    this.type = type
  }

  toResponse(): Response {
    return Response.json(
      { __type: this.type, Message: this.message, message: this.message },
      { status: STATUS[this.type], headers: { 'x-amzn-errortype': this.type } },
    )
  }
}

export const invalid = (message: string): SchedulerError => new SchedulerError('ValidationException', message)

export const noSchedule = (name: string): SchedulerError =>
  new SchedulerError('ResourceNotFoundException', `Schedule ${name} does not exist.`)
