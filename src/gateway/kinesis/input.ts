import type { Account } from '../../functions/arn.ts'
import { parseShardId, parseStreamArn } from '../../functions/stream-arn.ts'
import { JsonInput } from '../json/input.ts'
import { invalidArgument, KinesisError } from './error.ts'

const REFUSALS = {
  malformed: (message: string) => new KinesisError('SerializationException', message),
  invalid: (message: string) => new KinesisError('ValidationException', message),
}

const NAME = /^[a-zA-Z0-9_.-]+$/
const SEQUENCE = /^(?:0|[1-9]\d{0,14})$/

/** A request to Kinesis. */
export class KinesisInput extends JsonInput {
  constructor(content: Uint8Array | Readonly<Record<string, unknown>>) {
    super(content, REFUSALS)
  }

  required<T>(name: string, value: T | undefined): T {
    if (value === undefined)
      throw this.refusals.invalid(
        `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
      )
    return value
  }

  /** `StreamName` or `StreamARN`. */
  stream(account: Account): string {
    const name = this.text('StreamName', { max: 128, pattern: NAME })
    const arn = this.text('StreamARN', { max: 2048 })
    // Of AWS's internals.
    this.any('StreamId')
    if (arn === undefined) {
      if (name !== undefined) return name
      throw invalidArgument('Either StreamARN or StreamName must be provided.')
    }
    const named = parseStreamArn(arn, account)
    if (named === undefined)
      throw invalidArgument(
        `The StreamARN ${arn.slice(0, 200)} is of no stream of this host (${account.region}, account ${account.id}).`,
      )
    if (name !== undefined && name !== named) throw invalidArgument('StreamARN and StreamName name different streams.')
    return named
  }

  /** The number of a shard that has to be named. */
  shard(name: string): number {
    const id = this.required(name, this.text(name, { max: 128 }))
    const number = parseShardId(id)
    if (number === undefined) throw invalidArgument(`The ${name} ${id} is no shard id.`)
    return number
  }

  sequence(name: string): number | undefined {
    const text = this.text(name, { max: 128 })
    if (text === undefined) return undefined
    if (!SEQUENCE.test(text)) throw invalidArgument(`The ${name} ${text} is no sequence number of this stream.`)
    return Number(text)
  }

  /** Bytes in base64. */
  bytes(name: string, max: number): Uint8Array {
    const text = this.any(name)
    if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
      throw new KinesisError('SerializationException', `${name} must be bytes in base64`)
    const bytes = Buffer.from(text, 'base64')
    if (bytes.length > max)
      throw this.refuse(name, `${bytes.length} bytes`, `Member must have length less than or equal to ${max}`)
    return bytes
  }
}
