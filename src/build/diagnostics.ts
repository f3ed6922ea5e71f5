import { SourceMap, type SourceMapPayload } from 'node:module'
import { stripVTControlCharacters } from 'node:util'
import type { BuildPosition } from './contract.ts'
import { explainNodeModule } from './node-builtins.ts'

/** A mistake in the author's files. `message` is for the author. */
export class AuthorError extends Error {
  override readonly name = 'AuthorError'
  readonly position: BuildPosition | undefined
  /** Absolute paths of the files that were read until then. */
  inputs: readonly string[] = []

  constructor(message: string, position?: BuildPosition) {
    super(message)
    this.position = position
  }
}

/** rolldown throws an error with a list of what was wrong; the shape is checked because it comes from a native addon. */
export function fromBundlerError(error: unknown): AuthorError | undefined {
  const [first] = listOf(error)
  return first === undefined ? undefined : fromBundlerLog(first)
}

function listOf(error: unknown): unknown[] {
  if (typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors)) return error.errors
  return []
}

/** One error or warning of rolldown: `[CODE] message`, in colours on a terminal, followed by a drawing of the place. Columns count from 0. */
export function fromBundlerLog(log: unknown): AuthorError | undefined {
  if (typeof log !== 'object' || log === null || !('message' in log) || typeof log.message !== 'string') return undefined
  const [head = ''] = stripVTControlCharacters(log.message)
    .replace(/^\[[A-Z_]+\] /, '')
    .split('\n')
  const message = explain(head)
  if (!('loc' in log) || typeof log.loc !== 'object' || log.loc === null) return new AuthorError(message)
  const { file, line, column } = log.loc as { file?: unknown; line?: unknown; column?: unknown }
  if (typeof file !== 'string' || typeof line !== 'number' || typeof column !== 'number') return new AuthorError(message)
  return new AuthorError(message, { file, line, column: column + 1 })
}

function explain(message: string): string {
  const missing = /^Could not resolve '([^']+)'/.exec(message)?.[1]
  if (missing === undefined) return message
  const nodeModule = explainNodeModule(missing)
  if (nodeModule !== undefined) return nodeModule
  return `Could not resolve '${missing}'${missing.startsWith('.') ? '' : ': is the package installed?'}`
}

/**
 * An exception of the module's top level, which runs during the build. Both engines write the stack with positions in the bundle
 * (`function.js:12:3`, `user.js:12:3`); the first frame that the source map leads to a file of the author is where it happened.
 */
export function fromEngineOutput(output: string, map: SourceMapPayload, isOfAuthor: (file: string) => boolean): AuthorError {
  const sourceMap = new SourceMap(map)
  let position: BuildPosition | undefined
  for (const [, line, column] of output.matchAll(/(?:function|user)\.js:(\d+):(\d+)/g)) {
    const entry = sourceMap.findEntry(Number(line) - 1, Number(column) - 1)
    if (!('originalSource' in entry) || !isOfAuthor(entry.originalSource)) continue
    position = { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 }
    break
  }
  return new AuthorError(messageOf(output), position)
}

/** The line that names an exception, without what the engines put before it. */
function messageOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trim())
  const exception = lines.find((line) => /Error: /.test(line) && !line.startsWith('Error: '))
  const line = exception ?? lines.find((line) => line !== '') ?? 'the engine could not run the module'
  return line.replace(/^(?:\S*\.js:\d+:\d+:? *|:? *Failed to [^:]*: )+/, '').replace(/^Exception while evaluating[^:]*: /, '')
}
