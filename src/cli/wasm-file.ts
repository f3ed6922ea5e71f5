import { readFile } from 'node:fs/promises'
import { AmpouleError } from '../errors.ts'

/** Where a command writes; the process's own streams by default. */
export interface Output {
  write(text: string): unknown
}

export async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new AmpouleError('InvalidConfiguration', `cannot read ${file}`, { cause })
  }
}

/** Errors of the passes know bytes, not files. */
export function named<T>(file: string, run: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return run(bytes)
  } catch (error) {
    if (error instanceof AmpouleError) throw new AmpouleError(error.code, `${file}: ${error.message}`, { cause: error })
    throw error
  }
}
