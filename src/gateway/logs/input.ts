import type { Account } from '../../functions/arn.ts'
import { didYouMean } from '../../functions/suggest.ts'
import { invalid, LogsError } from './error.ts'

const MAX_SHOWN = 100
/** AWS: "Length Constraints: Minimum length of 1. Maximum length of 512." */
const MAX_NAME = 512
const GROUP = /^[.\-_/#A-Za-z0-9]+$/
const STREAM = /^[^:*]+$/

/** The members of a request, taken one by one; what is left then is not known. Errors are `InvalidParameterException`. */
export class LogsInput {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #known: string[] = []

  /** Throws `SerializationException` for a body that is no JSON object. */
  constructor(body: Uint8Array) {
    let value: unknown
    try {
      value = body.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    } catch (error) {
      throw new LogsError('SerializationException', `The body is not valid JSON: ${(error as Error).message}`)
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new LogsError('SerializationException', 'The body must be a JSON object')
    this.#members = value as Readonly<Record<string, unknown>>
  }

  text(name: string, { max = MAX_NAME, pattern }: { readonly max?: number; readonly pattern?: RegExp } = {}): string | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value.length === 0 || value.length > max)
      throw refuse(name, value, `Member must be a string with 1 to ${max} characters`)
    if (pattern !== undefined && !pattern.test(value))
      throw refuse(name, value, `Member must satisfy regular expression pattern: ${pattern.source}`)
    return value
  }

  integer(
    name: string,
    { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
  ): number | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) throw refuse(name, value, 'Member must be an integer')
    if (value < min) throw refuse(name, value, `Member must have value greater than or equal to ${min}`)
    if (value > max) throw refuse(name, value, `Member must have value less than or equal to ${max}`)
    return value
  }

  flag(name: string): boolean {
    const value = this.#take(name)
    if (value === undefined || typeof value === 'boolean') return value === true
    throw refuse(name, value, 'Member must be true or false')
  }

  texts(name: string, most: number): readonly string[] {
    const value = this.#take(name)
    if (value === undefined) return []
    if (!Array.isArray(value) || value.length === 0 || value.length > most)
      throw refuse(name, value, `Member must be a list of 1 to ${most} strings`)
    const one = value.find((item) => typeof item !== 'string' || item.length === 0 || item.length > MAX_NAME) as unknown
    if (one !== undefined) throw refuse(name, one, `Member must be a string with 1 to ${MAX_NAME} characters`)
    return value as readonly string[]
  }

  choice<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.#take(name)
    const found = values.find((one) => one === value)
    if (value !== undefined && found === undefined)
      throw refuse(name, value, `Member must satisfy enum value set: [${values.join(', ')}]`)
    return found
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
      throw refuse('logGroupIdentifier', identifier, `Member must be a name, or an ARN of ${region} and account ${id}`)
    return plain
  }

  stream(): string {
    const name = this.text('logStreamName', { pattern: STREAM })
    if (name === undefined) throw invalid('logStreamName must be given')
    return name
  }

  /** Throws for what none of the others has taken. */
  end(): void {
    for (const name of Object.keys(this.#members))
      if (!this.#known.includes(name))
        throw invalid(
          `The parameter ${JSON.stringify(name.slice(0, MAX_SHOWN))} is not provided by this host.${didYouMean(name, this.#known)}`,
        )
  }

  #take(name: string): unknown {
    this.#known.push(name)
    const value: unknown = Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
    return value === null ? undefined : value
  }
}

function refuse(name: string, value: unknown, constraint: string): LogsError {
  const shown = (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, MAX_SHOWN)
  return invalid(`1 validation error detected: Value '${shown}' at '${name}' failed to satisfy constraint: ${constraint}`)
}
