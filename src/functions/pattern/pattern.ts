import { isObject, PatternError } from './error.ts'
import { readLeaf, type Leaf } from './leaf.ts'

/** An event pattern, read. Syntax: AWS Lambda Developer Guide, "Control which events Lambda sends to your function", and Amazon EventBridge, "Comparison operators". */
export type Pattern = (event: unknown) => boolean

const MAX_DEPTH = 32

/** Throws a {@link PatternError}. */
export function readPattern(text: string): Pattern {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new PatternError('', `is not JSON: ${(error as Error).message}`)
  }
  return readObject(value, '', 0)
}

function readObject(value: unknown, place: string, depth: number): Pattern {
  if (!isObject(value)) throw new PatternError(place, 'must be a JSON object')
  if (depth > MAX_DEPTH) throw new PatternError(place, `is nested deeper than ${MAX_DEPTH}`)
  const entries = Object.entries(value)
  if (entries.length === 0) throw new PatternError(place, 'must not be empty')
  const fields = entries.map(([key, own]) => {
    const at = place === '' ? key : `${place}.${key}`
    // Two or more objects: an event has to match one of them. One that is no such list is a field of that name.
    if (key === '$or' && Array.isArray(own) && own.length > 1 && own.every(isObject)) {
      const some = own.map((one, index) => readObject(one, `${at}[${index}]`, depth + 1))
      return (event: unknown) => some.some((matches) => matches(event))
    }
    const matches = Array.isArray(own) ? readList(own, at) : readNested(own, at, depth)
    return (event: unknown) => matches(isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined)
  })
  return (event) => fields.every((matches) => matches(event))
}

/** A list in an event matches where one of its items does. */
function readNested(value: unknown, place: string, depth: number): Pattern {
  if (!isObject(value)) throw new PatternError(place, 'must be a list of values, or an object')
  const matches = readObject(value, place, depth + 1)
  return (event) => (Array.isArray(event) ? event.some(matches) : matches(event))
}

function readList(values: readonly unknown[], place: string): Pattern {
  if (values.length === 0) throw new PatternError(place, 'must not be an empty list')
  const leaves = values.map((value, index): Leaf => readLeaf(value, `${place}[${index}]`))
  return (event) => leaves.some((leaf) => leaf.whole(event) || (Array.isArray(event) && event.some((item) => leaf.item(item))))
}
