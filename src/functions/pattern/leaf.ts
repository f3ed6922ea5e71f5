import { isObject, PatternError } from './error.ts'

/** What one value must be like. */
export interface Leaf {
  /** Whether the field's value matches; undefined stands for a field that there is not. */
  readonly whole: (value: unknown) => boolean
  /** Whether an item of a list matches. */
  readonly item: (value: unknown) => boolean
}

type Test = (value: unknown) => boolean

const of = (test: Test): Leaf => ({ whole: (value) => value !== undefined && !Array.isArray(value) && test(value), item: test })

/** Throws a {@link PatternError}. */
export function readLeaf(value: unknown, place: string): Leaf {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return of((own) => own === value)
  if (!isObject(value)) throw new PatternError(place, 'must be a text, a number, true, false, null or an object with an operator')
  const [[operator, operand] = [], ...more] = Object.entries(value)
  if (operator === undefined || more.length > 0) throw new PatternError(place, 'must have exactly one operator')
  const at = `${place}.${operator}`
  switch (operator) {
    case 'exists':
      if (typeof operand !== 'boolean') throw new PatternError(at, 'must be true or false')
      return { whole: (own) => (own !== undefined && !isObject(own)) === operand, item: () => false }
    case 'anything-but':
      return readAnythingBut(operand, at)
    default:
      return of(readTest(operator, operand, at))
  }
}

function readTest(operator: string, operand: unknown, place: string): Test {
  switch (operator) {
    case 'prefix':
    case 'suffix': {
      const [text, fold] = readText(operand, place)
      const has = operator === 'prefix' ? (own: string) => own.startsWith(text) : (own: string) => own.endsWith(text)
      return (own) => typeof own === 'string' && has(fold(own))
    }
    case 'equals-ignore-case': {
      if (typeof operand !== 'string') throw new PatternError(place, 'must be a text')
      const text = operand.toLowerCase()
      return (own) => typeof own === 'string' && own.toLowerCase() === text
    }
    case 'wildcard':
      return readWildcard(operand, place)
    case 'numeric':
      return readNumeric(operand, place)
    case 'cidr':
      return readCidr(operand, place)
    default:
      throw new PatternError(
        place,
        'is no operator: there are anything-but, cidr, equals-ignore-case, exists, numeric, prefix, suffix and wildcard',
      )
  }
}

/** A text, or `{ "equals-ignore-case": text }`; with what makes values comparable to it. */
function readText(operand: unknown, place: string): readonly [string, (value: string) => string] {
  const folded = isObject(operand) ? operand['equals-ignore-case'] : undefined
  if (typeof folded === 'string') return [folded.toLowerCase(), (own) => own.toLowerCase()]
  if (typeof operand === 'string') return [operand, (own) => own]
  throw new PatternError(place, 'must be a text, or an object with equals-ignore-case')
}

/** The value must be there, and nothing of it may be among these. */
function readAnythingBut(operand: unknown, place: string): Leaf {
  const tests = isObject(operand)
    ? Object.entries(operand).flatMap(([operator, own]) =>
        (Array.isArray(own) && operator !== 'numeric' ? own : [own]).map((one: unknown) =>
          readTest(operator, one, `${place}.${operator}`),
        ),
      )
    : (Array.isArray(operand) ? operand : [operand]).map((own: unknown) => {
        if (typeof own !== 'string' && typeof own !== 'number' && typeof own !== 'boolean' && own !== null)
          throw new PatternError(place, 'must be a value, a list of values or an object with an operator')
        return (value: unknown) => value === own
      })
  if (tests.length === 0) throw new PatternError(place, 'must not be empty')
  const isOther = (value: unknown): boolean => !isObject(value) && !tests.some((test) => test(value))
  return {
    whole: (value) => value !== undefined && (Array.isArray(value) ? value.every(isOther) : isOther(value)),
    item: () => false,
  }
}

/** `*` stands for any characters; `\*` and `\\` for themselves. */
function readWildcard(operand: unknown, place: string): Test {
  if (typeof operand !== 'string') throw new PatternError(place, 'must be a text')
  if (operand.includes('**')) throw new PatternError(place, 'must not have two * in a row')
  const parts: string[] = ['']
  for (let at = 0; at < operand.length; at++) {
    const char = operand[at] ?? ''
    const next = operand[at + 1]
    if (char === '*') parts.push('')
    else if (char === '\\' && (next === '*' || next === '\\')) {
      parts.push((parts.pop() ?? '') + next)
      at++
    } else parts.push((parts.pop() ?? '') + char)
  }
  return (own) => typeof own === 'string' && hasParts(own, parts)
}

/** In this order, the first and the last at the ends; without backtracking, whatever the text. */
function hasParts(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return text === first
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  const end = text.length - last.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** `[">", 0, "<=", 5]`. */
function readNumeric(operand: unknown, place: string): Test {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4))
    throw new PatternError(place, 'must be a list of one or two pairs of a comparison and a number')
  const tests = Array.from({ length: operand.length / 2 }, (_, index): ((value: number) => boolean) => {
    const [comparison, bound] = operand.slice(index * 2) as readonly unknown[]
    const compare = typeof comparison === 'string' && Object.hasOwn(COMPARE, comparison) ? COMPARE[comparison] : undefined
    if (compare === undefined)
      throw new PatternError(`${place}[${index * 2}]`, `must be one of ${Object.keys(COMPARE).join(' ')}`)
    if (typeof bound !== 'number') throw new PatternError(`${place}[${index * 2 + 1}]`, 'must be a number')
    return (value) => compare(value, bound)
  })
  return (own) => typeof own === 'number' && tests.every((test) => test(own))
}

function readCidr(operand: unknown, place: string): Test {
  const [address, length] = typeof operand === 'string' ? operand.split('/') : []
  const network = bitsOf(address)
  const size = network?.length ?? 0
  const prefix = /^\d{1,3}$/.test(length ?? '') ? Number(length) : -1
  if (network === undefined || prefix < 0 || prefix > size)
    throw new PatternError(place, 'must be a range of addresses, such as 10.0.0.0/24')
  const wanted = network.slice(0, prefix)
  return (own) => {
    const bits = typeof own === 'string' ? bitsOf(own) : undefined
    return bits?.length === size && bits.startsWith(wanted)
  }
}

/** Of an address of IPv4 or IPv6. */
function bitsOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (/^(?:\d{1,3}\.){3}\d{1,3}$/.test(text)) {
    const bytes = text.split('.').map(Number)
    return bytes.every((byte) => byte < 256) ? bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('') : undefined
  }
  // Brings it into its shortest form, or refuses it.
  const host = text.includes(':') ? URL.parse(`http://[${text}]`)?.hostname.slice(1, -1) : undefined
  if (host === undefined) return undefined
  const [before = '', after] = host.split('::')
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '')
  const tail = groups(after ?? '')
  const head = groups(before)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}
