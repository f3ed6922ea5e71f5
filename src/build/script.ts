import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { AmpouleError } from '../errors.ts'
import { bundle, type Bundle } from './bundle.ts'
import type { ScriptOptions, ScriptResult } from './contract.ts'
import { AuthorError } from './diagnostics.ts'
import { requireFile } from './entry.ts'
import { BuildError } from './error.ts'

/** Parsing takes the engine some ten times as much memory. */
export const MAX_SCRIPT_BYTES = 10 * 1024 * 1024

/**
 * Bundles a function's module to a script, in this process: tens of milliseconds, since nothing of the author's is run. Rejects with a
 * {@link BuildError} (`BuildFailed`) that names file, line and column, and the files that were read.
 */
export async function buildScript(options: ScriptOptions): Promise<ScriptResult> {
  const started = performance.now()
  const entry = resolve(options.entry)
  const { engine = 'starlingmonkey', maxBytes = MAX_SCRIPT_BYTES } = options
  const stubs = options.stubs === undefined ? undefined : resolve(options.stubs)
  await requireFile(entry)
  if (stubs !== undefined) await requireFile(stubs)
  const { code, map, inputs } = await bundled(entry, engine, { ...options, ...(stubs !== undefined && { stubs }) })
  const text = Buffer.from(code)
  if (text.length > maxBytes) {
    const largest = largestSource(map)
    const message = `the bundle has ${text.length} bytes, the limit is ${maxBytes}`
    if (largest === undefined) throw new BuildError(message, undefined, { inputs })
    const { file, size } = largest
    const position = { file, line: 1, column: 1 }
    throw new BuildError(`${message}; the largest file in it is this one, with ${size} characters`, position, { inputs })
  }
  const hash = createHash('sha256').update(text).digest('hex')
  return { engine, code, map, hash, bytes: text.length, ms: performance.now() - started, inputs }
}

async function bundled(
  entry: string,
  engine: ScriptResult['engine'],
  options: Pick<ScriptOptions, 'stubs' | 'within'>,
): Promise<Bundle> {
  try {
    return await bundle(entry, engine, 'script', options)
  } catch (error) {
    if (error instanceof AuthorError) throw new BuildError(error.message, error.position, { inputs: error.inputs })
    throw new AmpouleError('Internal', 'the bundler failed', { cause: error })
  }
}

function largestSource({ sources, sourcesContent }: Bundle['map']): { readonly file: string; readonly size: number } | undefined {
  const sizes = sources.map((file, index) => ({ file, size: (sourcesContent[index] as string | null | undefined)?.length ?? 0 }))
  return sizes.toSorted((a, b) => b.size - a.size)[0]
}
