/** Some lines of an author's file around a place in it. */
export interface Excerpt {
  /** Number of the first line of `lines`, from 1. */
  readonly first: number
  readonly lines: readonly string[]
  /** The line that is meant, from 1. */
  readonly line: number
  /** From 1, in the line as it stands in `lines`. */
  readonly column: number
}

const BEFORE = 3
const AFTER = 2
/** Generated code has lines of megabytes. */
const MAX_WIDTH = 120

/** The lines around a place; undefined when the text has no such line. */
export function excerptOf(text: string, line: number, column: number): Excerpt | undefined {
  const all = text.split(/\r\n|[\n\r\u2028\u2029]/)
  const meant = all[line - 1]
  if (meant === undefined) return undefined
  const first = Math.max(1, line - BEFORE)
  // All lines are cut at the same place, so that what stands below each other still does.
  const from = Math.max(0, Math.min(column - MAX_WIDTH / 2, meant.length - MAX_WIDTH))
  const lines = all.slice(first - 1, line + AFTER).map((one) => one.slice(from, from + MAX_WIDTH))
  while (lines.length > line - first + 1 && lines.at(-1)?.trim() === '') lines.pop()
  return { first, lines: lines.map(expandTabs), line, column: expandTabs(meant.slice(from, column - 1)).length + 1 }
}

const expandTabs = (text: string): string => text.replaceAll('\t', '  ')

/**
 * As in
 * ```
 *   11 | const a = 1
 * > 12 | fail(a)
 *      | ^
 * ```
 */
export function formatExcerpt({ first, lines, line, column }: Excerpt): readonly string[] {
  const width = String(first + lines.length - 1).length
  return lines.flatMap((text, index) => {
    const number = first + index
    const shown = `${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${text}`.trimEnd()
    return number === line ? [shown, `  ${' '.repeat(width)} | ${' '.repeat(column - 1)}^`] : [shown]
  })
}
