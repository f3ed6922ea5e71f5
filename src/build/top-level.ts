import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { SourceMapPayload } from 'node:module'
import { THREW, type TopLevelFailure } from '../engine/script.ts'
import { GuestError, saysNothingToWaitFor, toInvocationError } from '../invoke/failure.ts'
import { GuestFailure } from '../engine/failure.ts'
import { fromEngineOutput } from './diagnostics.ts'
import { BuildError } from './error.ts'

/** Where the script came from. */
export interface ScriptOrigin {
  /** Absolute path of the author's module. */
  readonly entry: string
  /** Absolute path of the script's source map, whose sources are relative to the entry's folder. */
  readonly sourceMapPath: string
}

/** The failure of a script's top level in the author's terms: message and place in the author's files. All that the guest told is bounded and only quoted. */
export async function explainTopLevel(failure: TopLevelFailure, { entry, sourceMapPath }: ScriptOrigin): Promise<BuildError> {
  const { message } = failure
  const { payload, output } = failure.details
  const start = { file: entry, line: 1, column: 1 }
  if (payload === undefined) {
    const stuck = output.some(saysNothingToWaitFor)
    return new BuildError(stuck ? 'the top level waits for a promise that nothing can settle' : message, start, {
      cause: failure,
    })
  }
  const error = toInvocationError(new GuestFailure(payload), undefined, 'json')
  const details = error instanceof GuestError ? error.details : { name: 'Error', message: error.message, stack: '' }
  const map = await readMap(sourceMapPath, entry)
  const position = map === undefined ? undefined : fromEngineOutput(details.stack, map, isOfAuthor).position
  const why = message === THREW ? '' : ` (${message})`
  return new BuildError(`${details.name}: ${details.message}${why}`, position ?? start, { cause: failure })
}

async function readMap(path: string, entry: string): Promise<SourceMapPayload | undefined> {
  try {
    const map = JSON.parse(await readFile(path, 'utf8')) as SourceMapPayload
    const sources = map.sources.map((source) =>
      source.includes('\0') || isAbsolute(source) ? source : resolve(dirname(entry), source),
    )
    return { ...map, sources }
  } catch {
    return undefined
  }
}

const isOfAuthor = (file: string): boolean => !file.includes('\0')
