import { LambdaError } from '../../functions/lambda-error.ts'
import { shapeOf, type Shape } from './model/model.ts'

/** Values in messages are cut. */
const MAX_SHOWN = 256

/**
 * Checks a value of JSON against a shape and gives it in the form that the SDK's types have: base64 as bytes. Throws `ValidationException` with
 * every constraint that is not satisfied, in Lambda's words, and `InvalidRequestContentException` for a value of another type.
 */
export function validate(value: unknown, shape: string): unknown {
  const problems: string[] = []
  const result = check(value, shape, '', problems)
  if (problems.length === 0) return result
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected`
  throw new LambdaError('ValidationException', `${count}: ${problems.join('; ')}`)
}

function check(value: unknown, name: string, path: string, problems: string[]): unknown {
  const shape = shapeOf(name)
  switch (shape.type) {
    case 'structure':
      return checkStructure(value, shape, path, problems)
    case 'list': {
      if (!Array.isArray(value)) throw wrongType(path, 'a list')
      checkLength(value.length, value, shape, path, problems)
      return value.map((item, index) => check(item, shape.member ?? '', `${path}.${index + 1}.member`, problems))
    }
    case 'map': {
      if (!isObject(value)) throw wrongType(path, 'an object')
      checkLength(Object.keys(value).length, value, shape, path, problems)
      return Object.fromEntries(
        Object.entries(value).map(([key, own]) => {
          check(key, shape.key ?? '', `${path}.key`, problems)
          return [key, check(own, shape.value ?? '', `${path}.${key}.value`, problems)]
        }),
      )
    }
    case 'string':
      if (typeof value !== 'string') throw wrongType(path, 'a string')
      checkString(value, shape, path, problems)
      return value
    case 'integer':
    case 'long':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(path, 'an integer')
      checkNumber(value, shape, path, problems)
      return value
    case 'double':
      if (typeof value !== 'number') throw wrongType(path, 'a number')
      checkNumber(value, shape, path, problems)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(path, 'true or false')
      return value
    case 'timestamp':
      if (typeof value !== 'number') throw wrongType(path, 'a number of seconds since 1970')
      return new Date(value * 1000)
    case 'blob':
      return fromBase64(value, path)
    default:
      return shape.type satisfies never
  }
}

function checkStructure(value: unknown, { members = {}, required = [] }: Shape, path: string, problems: string[]): object {
  if (!isObject(value)) throw wrongType(path, 'an object')
  const at = (name: string): string => (path === '' ? lowerFirst(name) : `${path}.${lowerFirst(name)}`)
  const result: Record<string, unknown> = {}
  for (const [name, own] of Object.entries(value)) {
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (member === undefined)
      throw new LambdaError(
        'InvalidParameterValueException',
        `The parameter ${path === '' ? name : `${path}.${name}`} is not known: it would have no effect`,
      )
    // What is null counts as not given, as in AWS.
    if (own === null || own === undefined) continue
    result[name] = check(own, member.shape, at(name), problems)
  }
  for (const name of required)
    if (result[name] === undefined)
      problems.push(`Value null at '${at(name)}' failed to satisfy constraint: Member must not be null`)
  return result
}

function checkString(value: string, shape: Shape, path: string, problems: string[]): void {
  if (shape.enum !== undefined && !shape.enum.includes(value))
    problems.push(failed(value, shape, path, `Member must satisfy enum value set: [${shape.enum.join(', ')}]`))
  checkLength(value.length, value, shape, path, problems)
  if (shape.pattern !== undefined && !matches(value, shape.pattern))
    problems.push(failed(value, shape, path, `Member must satisfy regular expression pattern: ${shape.pattern}`))
}

function checkNumber(value: number, shape: Shape, path: string, problems: string[]): void {
  if (shape.min !== undefined && value < shape.min)
    problems.push(failed(value, shape, path, `Member must have value greater than or equal to ${shape.min}`))
  if (shape.max !== undefined && value > shape.max)
    problems.push(failed(value, shape, path, `Member must have value less than or equal to ${shape.max}`))
}

function checkLength(length: number, value: string | object, shape: Shape, path: string, problems: string[]): void {
  if (shape.min !== undefined && length < shape.min)
    problems.push(failed(value, shape, path, `Member must have length greater than or equal to ${shape.min}`))
  if (shape.max !== undefined && length > shape.max)
    problems.push(failed(value, shape, path, `Member must have length less than or equal to ${shape.max}`))
}

const patterns = new Map<string, RegExp>()

function matches(value: string, pattern: string): boolean {
  let expression = patterns.get(pattern)
  if (expression === undefined) {
    const whole = `^(?:${pattern})$`
    // Some of the model's patterns are not valid with `v`, and some need `u`.
    expression = new RegExp(whole, /\\p\{/.test(pattern) ? 'u' : '')
    patterns.set(pattern, expression)
  }
  return expression.test(value)
}

function failed(value: string | number | object, shape: Shape, path: string, constraint: string): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const shown = shape.sensitive === true ? '***' : text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  return `Value '${shown}' at '${path}' failed to satisfy constraint: ${constraint}`
}

function fromBase64(value: unknown, path: string): Uint8Array {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw wrongType(path, 'bytes in base64')
  return Buffer.from(value, 'base64')
}

const wrongType = (path: string, wanted: string): LambdaError =>
  new LambdaError('InvalidRequestContentException', `Could not parse request body into json: ${path || 'it'} must be ${wanted}`)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const lowerFirst = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1)
