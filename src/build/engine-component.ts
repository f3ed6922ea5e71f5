import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AmpouleError } from '../errors.ts'
import { bundle } from './bundle.ts'
import { buildComponent } from './component.ts'
import type { BuildOptions, JavaScriptEngine } from './contract.ts'
import { markUsed } from './engine-cache.ts'
import { componentHash } from './engines.ts'
import { withLock } from './lock.ts'

export interface EngineComponent {
  readonly component: Uint8Array<ArrayBuffer>
  /** The folder of what is kept of engines, for artifacts as well. */
  readonly folder: string
  readonly cached: boolean
}

const PACKAGE = new URL('../../', import.meta.url)

/** The module that an engine is made of; everything else that goes into it is imported from there. */
const ENTRY = fileURLToPath(new URL('guest-sdk/runtime/load.ts', PACKAGE))

/** Where a release brings its engines, `<engine>.wasm`; they are taken as they are. */
const PREBUILT = fileURLToPath(new URL('prebuilt/', PACKAGE))

/** StarlingMonkey takes seconds on a quiet machine, and more than a minute on a busy one. */
const TIMEOUT_MS = 300_000

/**
 * The component that runs scripts on `engine`: the one that came with the release, or one that is built once for each state of our runtime and
 * kept beside the package, or in the user's cache folder where the package cannot be written. Several processes that want it at the
 * same time wait for the one that builds it.
 */
export async function engineComponent(
  engine: JavaScriptEngine,
  { onProgress, signal }: Pick<BuildOptions, 'onProgress' | 'signal'> = {},
): Promise<EngineComponent> {
  const prebuilt = await readFile(join(PREBUILT, `${engine}.wasm`)).catch(() => undefined)
  const folder = await engineFolder()
  if (prebuilt !== undefined) return { component: new Uint8Array(prebuilt), folder, cached: true }
  const hash = await componentHash(await bundle(ENTRY, engine, 'engine'), engine, 'engine')
  const path = join(folder, `${hash}.wasm`)
  const kept = await readFile(path).catch(() => undefined)
  if (kept !== undefined) {
    await markUsed([path, path.replace(/\.wasm$/, '.js.map')])
    return { component: new Uint8Array(kept), folder, cached: true }
  }
  const lock = { path: join(folder, `${hash}.lock`), staleMs: TIMEOUT_MS, signal }
  return withLock(lock, async () => {
    const options = { entry: ENTRY, engine, form: 'engine', cacheDir: folder, timeoutMs: TIMEOUT_MS, signal, onProgress } as const
    const { component, cached } = await buildComponent(options)
    return { component, folder, cached }
  })
}

/** Where engines are kept. Rejects with `BuildFailed` when there is no folder for them. */
export async function engineFolder(): Promise<string> {
  const user = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const candidates = [fileURLToPath(new URL('.cache/engines/', PACKAGE)), join(user, 'ampoule', 'engines')]
  for (const folder of candidates) {
    try {
      await mkdir(folder, { recursive: true })
      await access(folder, constants.W_OK)
      return folder
    } catch {
      // The next one.
    }
  }
  throw new AmpouleError(
    'BuildFailed',
    `the JavaScript engines cannot be kept: neither ${candidates.join(' nor ')} can be written; set XDG_CACHE_HOME to a folder that can`,
  )
}
