import { stat } from 'node:fs/promises'
import { BuildError } from './error.ts'

/** Throws a `BuildError` unless `entry`, an absolute path, is a file. */
export async function requireFile(entry: string): Promise<void> {
  if ((await stat(entry).catch(() => undefined))?.isFile() !== true)
    throw new BuildError(`${entry} is not a file`, undefined, { inputs: [entry] })
}
