import { readFileSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { BuildError } from '../build/error.ts'
import { AmpouleError, type ErrorCode } from '../errors.ts'
import { excerptOf } from '../observe/excerpt.ts'
import type { ReportedError } from '../observe/records.ts'
import { formatFrame } from '../observe/stack.ts'

/** Why a function could not be deployed, for its author. */
export interface DeploymentFailure {
  readonly code: ErrorCode
  readonly error: ReportedError
  /** Absolute path of the file that it is about. */
  readonly file: string | undefined
}

/** `folder` is the configuration's; files are named relative to it. */
export function describeFailure(error: unknown, folder: string): DeploymentFailure {
  const build = findBuildError(error)
  const code = error instanceof AmpouleError ? error.code : 'Internal'
  const message = error instanceof Error ? error.message : String(error)
  if (build?.position === undefined) {
    const stack = code === 'Internal' && error instanceof Error ? causesOf(error) : ''
    const shown = withoutName(message).replaceAll(`${folder}${sep}`, '')
    return { code, error: { name: TITLES[code] ?? code, message: shown, stack }, file: undefined }
  }
  const { file, line, column } = build.position
  const absolute = isAbsolute(file) ? file : resolve(folder, file)
  const excerpt = excerptIn(absolute, line, column)
  const place = { function: '', file: relative(folder, absolute).replaceAll(sep, '/'), line, column }
  const plain = build.message.slice(build.message.startsWith(`${file}:`) ? `${file}:${line}:${column}: `.length : 0)
  const shown = { name: TITLES[code] ?? code, message: plain, stack: formatFrame(place), frames: [place] }
  return { code, error: excerpt === undefined ? shown : { ...shown, excerpt }, file: absolute }
}

const TITLES: Partial<Record<ErrorCode, string>> = { BuildFailed: 'Build failed', InvalidConfiguration: 'Configuration' }

function findBuildError(error: unknown): BuildError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof BuildError) return at
  return undefined
}

const causesOf = ({ cause }: Error): string => (cause instanceof Error ? (cause.stack ?? cause.message) : '')

/** The name stands beside it already. */
const withoutName = (message: string): string => message.replace(/^function "[^"]*": /, '')

function excerptIn(file: string, line: number, column: number): ReturnType<typeof excerptOf> {
  try {
    return excerptOf(readFileSync(file, 'utf8'), line, column)
  } catch {
    return undefined
  }
}
