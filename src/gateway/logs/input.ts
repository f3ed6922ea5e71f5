import type { Account } from '../../functions/arn.ts'
import { JsonInput } from '../json/input.ts'
import { invalid, LogsError } from './error.ts'

const GROUP = /^[.\-_/#A-Za-z0-9]+$/
const STREAM = /^[^:*]+$/

/** A request of the logs' API. Errors are `InvalidParameterException`, and `SerializationException` for a body that is no JSON object. */
export class LogsInput extends JsonInput {
  constructor(body: Uint8Array) {
    super(body, { malformed: (message) => new LogsError('SerializationException', message), invalid })
  }

  /** `logGroupName`, or `logGroupIdentifier`: a name or an ARN. */
  group({ region, id }: Account): string {
    const name = this.text('logGroupName', { pattern: GROUP })
    const identifier = this.text('logGroupIdentifier', { max: 2048 })
    if ((name === undefined) === (identifier === undefined))
      throw invalid('Either logGroupName or logGroupIdentifier must be given, and not both')
    if (identifier === undefined) return name ?? ''
    const own = new RegExp(`^arn:aws[a-z-]*:logs:${region}:${id}:log-group:([^:*]+)(?::\\*)?$`)
    const plain = own.exec(identifier)?.[1] ?? identifier
    if (!GROUP.test(plain))
      throw this.refuse('logGroupIdentifier', identifier, `Member must be a name, or an ARN of ${region} and account ${id}`)
    return plain
  }

  stream(): string {
    const name = this.text('logStreamName', { pattern: STREAM })
    if (name === undefined) throw invalid('logStreamName must be given')
    return name
  }
}
