import { resolve } from 'node:path'
import { AmpouleError } from '../errors.ts'
import { bundle } from './bundle.ts'
import type { PackageOptions, PackageResult } from './contract.ts'
import { AuthorError } from './diagnostics.ts'
import { requireFile } from './entry.ts'
import { BuildError } from './error.ts'

/**
 * Bundles a function's module for another host. Only the author's syntax and imports are looked at; what its top level does shows when it is
 * deployed. Rejects with a {@link BuildError} (`BuildFailed`) that names file, line and column.
 */
export async function buildPackage({ entry, layers = false }: PackageOptions): Promise<PackageResult> {
  const path = resolve(entry)
  await requireFile(path)
  try {
    return await bundle(path, 'starlingmonkey', 'package', { layers })
  } catch (error) {
    if (error instanceof AuthorError) throw new BuildError(error.message, error.position, { inputs: error.inputs })
    throw new AmpouleError('Internal', 'the bundler failed', { cause: error })
  }
}
