import { resolve } from 'node:path'
import { BuildError } from '../error.ts'
import { firstLine, type ToolResult } from './tools.ts'

/** One error of a compiler, at its place. */
export interface Diagnostic {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Named groups `file`, `line`, `column` (may be missing) and `message`; with the flags `gm`. */
export type DiagnosticPattern = RegExp

/** `file:line:column: error: message`, as clang, and rustc and cargo with their short format, write it. */
export const GNU_ERRORS: DiagnosticPattern =
  /^(?<file>[^\s:][^:\n]*):(?<line>\d+):(?<column>\d+): (?:fatal )?error(?:\[\w+\])?: (?<message>.*)$/gm

const MAX_SHOWN = 10

/**
 * What a compiler said, as a failed build: the first error is the message with its position, the next ones follow on lines of their
 * own. Without any error that the pattern knows, the compiler's own line. Paths are relative to `folder`.
 */
export function compilerError(
  program: string,
  { code, stdout, stderr }: ToolResult,
  folder: string,
  pattern: DiagnosticPattern,
): BuildError {
  const output = `${stderr}\n${stdout}`
  const found = diagnostics(output, folder, pattern)
  const [first, ...others] = found
  if (first === undefined) {
    // Linkers name no place, and warnings may come before their errors.
    const said = firstLine(/^.*\berror\b.*$/im.exec(output)?.[0] ?? output)
    return new BuildError(`${program} failed (exit code ${code})${said === '' ? '' : `: ${said}`}`, undefined, { cause: output })
  }
  const shown = others.slice(0, MAX_SHOWN - 1).map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`)
  if (others.length >= MAX_SHOWN) shown.push(`… and ${others.length - MAX_SHOWN + 1} more`)
  const { file, line, column, message } = first
  return new BuildError(
    [message, ...shown].join('\n'),
    { file, line, column },
    { cause: output, inputs: found.map((one) => one.file) },
  )
}

function diagnostics(output: string, folder: string, pattern: DiagnosticPattern): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>()
  for (const { groups = {} } of output.matchAll(pattern)) {
    const file = resolve(folder, groups['file'] ?? '')
    const [line, column] = [Number(groups['line']), Number(groups['column'] ?? 1)]
    const message = (groups['message'] ?? '').trim()
    found.set(`${file}:${line}:${column}:${message}`, { file, line, column, message })
  }
  return [...found.values()]
}
