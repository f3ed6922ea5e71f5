import { resolve } from 'node:path'
import { buildComponent } from './component.ts'
import type { BuildOptions, BuildResult } from './contract.ts'
import { requireFile } from './entry.ts'
import { BuildError } from './error.ts'

export { BuildError } from './error.ts'

const DEFAULT_TIMEOUT_MS = 180_000

/**
 * Bundles a function's module and makes a component of it that needs no engine beside it, in a process of its own, or takes the
 * component from the cache when the bundle (with our runtime), the world and the engine's version are the same as before. Rejects
 * with a {@link BuildError} (`BuildFailed`) that names file, line and column where the mistake is the author's.
 *
 * StarlingMonkey takes seconds and some 900 MB for each build: callers build one after the other.
 */
export async function buildFunction(options: BuildOptions): Promise<BuildResult> {
  const entry = resolve(options.entry)
  const { engine = 'starlingmonkey', kind = 'event', signal, timeoutMs = DEFAULT_TIMEOUT_MS, onProgress } = options
  signal?.throwIfAborted()
  if (kind === 'wasi-http' && engine === 'quickjs') {
    throw new BuildError("kind 'wasi-http' needs engine 'starlingmonkey': QuickJS has no fetch events", undefined)
  }
  await requireFile(entry)
  return buildComponent({ entry, engine, form: kind, cacheDir: resolve(options.cacheDir), timeoutMs, signal, onProgress })
}
