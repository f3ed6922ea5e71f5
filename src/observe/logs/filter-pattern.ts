import { FilterPatternError } from './filter-pattern-error.ts'
import { parseJsonPattern } from './json-pattern.ts'

type Matches = (message: string) => boolean

/** CloudWatch Logs: "Length Constraints: Maximum length of 1024". */
export const MAX_PATTERN = 1024

/**
 * CloudWatch Logs' filter patterns ("Filter pattern syntax"): all of some terms, `"exact phrases"`, `?any` of some, `-without`, and JSON
 * (`{ $.level = "error" }`). Case counts. Throws {@link FilterPatternError}, also for regular expressions (`%…%`) and for patterns of
 * columns (`[…]`).
 */
export function parseFilterPattern(pattern: string): Matches {
  if (pattern.length > MAX_PATTERN)
    throw new FilterPatternError(`The filter pattern has ${pattern.length} characters, at most ${MAX_PATTERN} are allowed`)
  const text = pattern.trim()
  if (text === '') return () => true
  if (text.startsWith('{')) return parseJsonPattern(text)
  if (text.startsWith('['))
    throw new FilterPatternError('Filter patterns of columns ([…]) are not provided by this host: use terms, or JSON ({ $.… })')
  return matchTerms(readTerms(text))
}

interface Term {
  readonly sign: '' | '?' | '-'
  readonly text: string
}

function readTerms(text: string): readonly Term[] {
  const terms: Term[] = []
  const token = /\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/y
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const found = token.exec(text)
    if (found === null)
      throw new FilterPatternError(`The filter pattern is not valid at character ${at + 1}: a quotation mark is not closed`)
    const [, sign = '', quoted, bare] = found
    if (quoted === undefined && bare?.startsWith('%') === true)
      throw new FilterPatternError('Regular expressions (%…%) are not provided in filter patterns by this host')
    terms.push({ sign: sign as Term['sign'], text: quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '' })
  }
  return terms
}

function matchTerms(terms: readonly Term[]): Matches {
  const of = (sign: Term['sign']): readonly string[] => terms.filter((term) => term.sign === sign).map(({ text }) => text)
  const [all, any, none] = [of(''), of('?'), of('-')]
  // AWS: beside other terms, optional ones do not count.
  const optional = all.length > 0 || none.length > 0 ? [] : any
  return (message) =>
    all.every((term) => message.includes(term)) &&
    none.every((term) => !message.includes(term)) &&
    (optional.length === 0 || optional.some((term) => message.includes(term)))
}
