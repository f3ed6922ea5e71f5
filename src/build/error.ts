import { AmpouleError } from '../errors.ts'
import type { BuildPosition } from './contract.ts'

/** A build failure with its place in the author's files. */
export class BuildError extends AmpouleError {
  readonly position: BuildPosition | undefined
  /** Absolute paths of the files that were read until then, as far as they are known: a change of one of them may mend it. */
  readonly inputs: readonly string[]

  constructor(
    message: string,
    position: BuildPosition | undefined,
    { inputs = [], ...options }: { cause?: unknown; inputs?: readonly string[] } = {},
  ) {
    super(
      'BuildFailed',
      position === undefined ? message : `${position.file}:${position.line}:${position.column}: ${message}`,
      options,
    )
    this.position = position
    this.inputs = inputs
  }
}
