import { didYouMean } from '../../functions/suggest.ts'

const MAX_SHOWN = 100

/** How an API refuses: bodies that are no JSON object, and members with a value that cannot be. */
export interface JsonRefusals {
  malformed(message: string): Error
  invalid(message: string): Error
}

/** The members of a request of the AWS JSON protocol, taken one by one; what is left then is not known. */
export class JsonInput {
  readonly refusals: JsonRefusals
  readonly #members: Readonly<Record<string, unknown>>
  readonly #known: string[] = []

  /** Of a request's body, or of members that were read before. */
  constructor(content: Uint8Array | Readonly<Record<string, unknown>>, refusals: JsonRefusals) {
    this.refusals = refusals
    this.#members = content instanceof Uint8Array ? parse(content, refusals) : content
  }

  text(name: string, { max = 512, pattern }: { readonly max?: number; readonly pattern?: RegExp } = {}): string | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value.length === 0 || value.length > max)
      throw this.refuse(name, value, `Member must be a string with 1 to ${max} characters`)
    if (pattern !== undefined && !pattern.test(value))
      throw this.refuse(name, value, `Member must satisfy regular expression pattern: ${pattern.source}`)
    return value
  }

  integer(
    name: string,
    { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
  ): number | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.refuse(name, value, 'Member must be an integer')
    if (value < min) throw this.refuse(name, value, `Member must have value greater than or equal to ${min}`)
    if (value > max) throw this.refuse(name, value, `Member must have value less than or equal to ${max}`)
    return value
  }

  flag(name: string): boolean {
    const value = this.take(name)
    if (value === undefined || typeof value === 'boolean') return value === true
    throw this.refuse(name, value, 'Member must be true or false')
  }

  texts(name: string, { most, max = 512 }: { readonly most: number; readonly max?: number }): readonly string[] {
    const value = this.take(name)
    if (value === undefined) return []
    if (!Array.isArray(value) || value.length === 0 || value.length > most)
      throw this.refuse(name, value, `Member must be a list of 1 to ${most} strings`)
    const one = value.find((item) => typeof item !== 'string' || item.length === 0 || item.length > max) as unknown
    if (one !== undefined) throw this.refuse(name, one, `Member must be a string with 1 to ${max} characters`)
    return value as readonly string[]
  }

  choice<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.take(name)
    const found = values.find((one) => one === value)
    if (value !== undefined && found === undefined)
      throw this.refuse(name, value, `Member must satisfy enum value set: [${values.join(', ')}]`)
    return found
  }

  any(name: string): unknown {
    return this.take(name)
  }

  /** Strings by name. */
  strings(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (!isObject(value)) throw this.refuse(name, value, 'Member must be a map')
    for (const [key, own] of Object.entries(value))
      if (typeof own !== 'string') throw this.refuse(`${name}.${key}`, own, 'Member must be a string')
    return value as Readonly<Record<string, string>>
  }

  objects(name: string): readonly Readonly<Record<string, unknown>>[] {
    const value = this.take(name)
    if (value === undefined) return []
    if (!Array.isArray(value) || !value.every(isObject)) throw this.refuse(name, value, 'Member must be a list of structures')
    return value
  }

  object(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (!isObject(value)) throw this.refuse(name, value, 'Member must be a structure')
    return value
  }

  /** Throws for what none of the others has taken. */
  end(): void {
    for (const name of Object.keys(this.#members))
      if (!this.#known.includes(name))
        throw this.refusals.invalid(
          `The parameter ${JSON.stringify(name.slice(0, MAX_SHOWN))} is not provided by this host.${didYouMean(name, this.#known)}`,
        )
  }

  /** Whatever its type is; null counts as not given, as in AWS. */
  protected take(name: string): unknown {
    this.#known.push(name)
    const value: unknown = Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
    return value === null ? undefined : value
  }

  protected refuse(name: string, value: unknown, constraint: string): Error {
    const shown = (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, MAX_SHOWN)
    return this.refusals.invalid(
      `1 validation error detected: Value '${shown}' at '${name}' failed to satisfy constraint: ${constraint}`,
    )
  }
}

function parse(body: Uint8Array, refusals: JsonRefusals): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = body.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw refusals.malformed(`The body is not valid JSON: ${(error as Error).message}`)
  }
  if (!isObject(value)) throw refusals.malformed('The body must be a JSON object')
  return value
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
