import { FilterPatternError } from './filter-pattern-error.ts'

type Test = (value: unknown) => boolean
type Step = string | number

/** CloudWatch Logs: a JSON filter pattern has up to 10 conditions and paths of up to 10 steps; deeper parentheses serve nobody. */
const MAX_DEPTH = 16

/**
 * A JSON pattern: `{ $.level = "error" && ($.status >= 500 || $.items[0].id = 7) }`. Values are strings in quotation marks or without, in which `*`
 * stands for anything, numbers, `TRUE`, `FALSE` and `NULL` (`IS`), `EXISTS` and `NOT EXISTS`.
 */
export function parseJsonPattern(text: string): (message: string) => boolean {
  if (!text.endsWith('}')) throw new FilterPatternError('The filter pattern begins with { and does not end with }')
  const tokens = readTokens(text.slice(1, -1))
  const parser = new Parser(tokens)
  const test = parser.any(0)
  parser.end()
  return (message) => {
    if (!message.startsWith('{') && !message.trimStart().startsWith('{')) return false
    let value: unknown
    try {
      value = JSON.parse(message)
    } catch {
      return false
    }
    return test(value)
  }
}

type Token = { readonly kind: 'symbol' | 'word' | 'text'; readonly text: string }

function readTokens(text: string): readonly Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|(&&|\|\||!=|>=|<=|[=<>()])|([^\s"&|!=<>()]+))\s*/y
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const found = pattern.exec(text)
    if (found === null) throw new FilterPatternError(`The filter pattern is not valid at character ${at + 2}`)
    const [, quoted, symbol, word] = found
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.replaceAll(/\\(.)/g, '$1') })
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol })
    else tokens.push({ kind: 'word', text: word ?? '' })
  }
  return tokens
}

/** `&&` binds closer than `||`. */
class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  any(depth: number): Test {
    const tests = [this.#all(depth)]
    while (this.#takes('||')) tests.push(this.#all(depth))
    return (value) => tests.some((test) => test(value))
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected()
  }

  #all(depth: number): Test {
    const tests = [this.#one(depth)]
    while (this.#takes('&&')) tests.push(this.#one(depth))
    return (value) => tests.every((test) => test(value))
  }

  #one(depth: number): Test {
    if (depth > MAX_DEPTH) throw new FilterPatternError(`The filter pattern is nested more than ${MAX_DEPTH} deep`)
    if (this.#takes('(')) {
      const inner = this.any(depth + 1)
      if (!this.#takes(')')) throw this.#unexpected()
      return inner
    }
    const path = readPath(this.#next('word'))
    const operator = this.#tokens[this.#at]
    if (operator?.kind === 'symbol') {
      this.#at++
      return compare(path, operator.text, this.#value())
    }
    const words = this.#words().toUpperCase()
    const named = Object.hasOwn(NAMED, words) ? NAMED[words] : undefined
    if (named === undefined) throw this.#unexpected()
    return (value) => named(look(value, path))
  }

  #words(): string {
    const words: string[] = []
    for (let token = this.#tokens[this.#at]; token?.kind === 'word'; token = this.#tokens[++this.#at]) words.push(token.text)
    return words.join(' ')
  }

  #value(): Token {
    const token = this.#tokens[this.#at]
    if (token === undefined || token.kind === 'symbol') throw this.#unexpected()
    this.#at++
    return token
  }

  #next(kind: Token['kind']): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== kind) throw this.#unexpected()
    this.#at++
    return token.text
  }

  #takes(symbol: string): boolean {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'symbol' || token.text !== symbol) return false
    this.#at++
    return true
  }

  #unexpected(): FilterPatternError {
    const token = this.#tokens[this.#at]
    return new FilterPatternError(
      token === undefined
        ? 'The filter pattern ends too early'
        : `The filter pattern has an unexpected ${JSON.stringify(token.text)}`,
    )
  }
}

const NAMED: Readonly<Record<string, (found: unknown) => boolean>> = {
  'IS NULL': (found) => found === null,
  'IS TRUE': (found) => found === true,
  'IS FALSE': (found) => found === false,
  EXISTS: (found) => found !== undefined,
  'NOT EXISTS': (found) => found === undefined,
}

function readPath(text: string): readonly Step[] {
  if (!/^\$(?:\.[\w@-]+|\[\d{1,9}\])+$/.test(text))
    throw new FilterPatternError(
      `The filter pattern has ${JSON.stringify(text.slice(0, 100))} where it needs a path such as $.name or $.list[0].name`,
    )
  return Array.from(text.matchAll(/\.([\w@-]+)|\[(\d+)\]/g), ([, name, index]) => name ?? Number(index))
}

function look(value: unknown, path: readonly Step[]): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Readonly<Record<Step, unknown>>)[step]
  }
  return found
}

function compare(path: readonly Step[], operator: string, { kind, text }: Token): Test {
  const number = kind === 'word' && text.trim() !== '' ? Number(text) : Number.NaN
  const equal = equals(text, number)
  const numeric = (test: (found: number) => boolean): Test => {
    if (Number.isNaN(number))
      throw new FilterPatternError(`The filter pattern compares (${operator}) with ${JSON.stringify(text)}, which is no number`)
    return (value) => {
      const found = look(value, path)
      return typeof found === 'number' && test(found)
    }
  }
  switch (operator) {
    case '=':
      return (value) => equal(look(value, path))
    case '!=':
      return (value) => {
        const found = look(value, path)
        return found !== undefined && !equal(found)
      }
    case '<':
      return numeric((found) => found < number)
    case '<=':
      return numeric((found) => found <= number)
    case '>':
      return numeric((found) => found > number)
    case '>=':
      return numeric((found) => found >= number)
    default:
      throw new FilterPatternError(`The filter pattern has an unexpected ${JSON.stringify(operator)}`)
  }
}

function equals(text: string, number: number): (found: unknown) => boolean {
  const parts = text.split('*')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  return (found) => {
    if (typeof found === 'number') return found === number
    if (typeof found !== 'string') return false
    if (parts.length === 1) return found === text
    if (!found.startsWith(first) || !found.endsWith(last)) return false
    // No regular expression: what a caller writes must not decide how long this takes.
    let at = first.length
    for (const part of parts.slice(1, -1)) {
      const next = found.indexOf(part, at)
      if (next < 0) return false
      at = next + part.length
    }
    return at <= found.length - last.length
  }
}
