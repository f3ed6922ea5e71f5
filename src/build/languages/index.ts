import { mkdir, mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireFile } from '../entry.ts'
import { BuildError } from '../error.ts'
import { assemblyscript } from './assemblyscript.ts'
import { c } from './c.ts'
import { ComponentCache } from './cache.ts'
import type { Compiled, Compiler, Language, LanguageBuildOptions, LanguageBuildResult, LanguageStage, Maker } from './contract.ts'
import { coreModule } from './core-module.ts'
import { go } from './go.ts'
import { python } from './python.ts'
import { rust } from './rust.ts'
import { firstLine, Tools } from './tools.ts'

export { LANGUAGES, type Language, type LanguageBuildOptions, type LanguageBuildResult } from './contract.ts'

const COMPILERS: Readonly<Record<Language, Compiler>> = { c, rust, go, python, assemblyscript }

const CHILD = fileURLToPath(new URL('./componentize-child.ts', import.meta.url))

const DEFAULT_TIMEOUT_MS = 300_000

/** Counted up when the same source becomes something else here: what was built before is not taken any more. */
const REVISION = 2

/** By the ending, unless the configuration says it; undefined for what JavaScript's own build takes. */
export function languageOf(source: string, setting?: Language): Language | undefined {
  if (setting !== undefined) return setting
  const name = basename(source)
  if (name.endsWith('.as.ts')) return 'assemblyscript'
  if (name.endsWith('.rs') || name === 'Cargo.toml') return 'rust'
  if (name.endsWith('.go') || name === 'go.mod') return 'go'
  if (name.endsWith('.c')) return 'c'
  return name.endsWith('.py') ? 'python' : undefined
}

/**
 * Compiles a function with the toolchain of its language and makes a component of it, in processes of their own, or takes the
 * component from the cache when its inputs, the toolchain and the binding are the same as before. Rejects with a
 * {@link BuildError}: the compiler's first error with its position and the others below, or what is missing on the machine.
 */
export const buildLanguage = (options: LanguageBuildOptions): Promise<LanguageBuildResult> =>
  build(COMPILERS[options.language], options.language, options)

/**
 * Makes a component of a core module that is there already: of the world that is embedded in it (as wit-bindgen does), else of the event
 * world. A module that imports WASI preview1 gets jco's adapter. Rejects with a {@link BuildError}.
 */
export const buildCoreModule = (options: Omit<LanguageBuildOptions, 'language'>): Promise<LanguageBuildResult> =>
  build(coreModule, 'core-module', options)

async function build(
  compiler: Maker,
  name: string,
  options: Omit<LanguageBuildOptions, 'language'>,
): Promise<LanguageBuildResult> {
  const started = performance.now()
  const { timeoutMs = DEFAULT_TIMEOUT_MS, searchPath = process.env['PATH'] ?? '' } = options
  const cacheDir = resolve(options.cacheDir)
  const progress = (stage: LanguageStage, cached: boolean): void =>
    options.onProgress?.({ stage, ms: performance.now() - started, cached })
  options.signal?.throwIfAborted()
  const source = await sourceFile(options.source)

  const deadline = new AbortController()
  const timer = setTimeout(
    () => deadline.abort(new BuildError(`the build took longer than ${timeoutMs} ms (timeoutMs)`, undefined)),
    timeoutMs,
  )
  const signal = options.signal === undefined ? deadline.signal : AbortSignal.any([options.signal, deadline.signal])
  const tools = new Tools(searchPath, signal)
  const scratch = await mkdtemp(join(await realpath(tmpdir()), 'ampoule-build-'))
  try {
    const toolchain = await compiler.open(source, tools)
    const cache = new ComponentCache(cacheDir, source, JSON.stringify([REVISION, compiler.runtime, toolchain.version]))
    const result = async (path: string, all: readonly string[], cached: boolean): Promise<LanguageBuildResult> => {
      const [inputs, folders] = await filesAndFolders(all)
      const component = new Uint8Array(await readFile(path))
      progress('done', cached)
      return { component, path, bytes: component.length, ms: performance.now() - started, cached, inputs, folders }
    }
    const found = await cache.find()
    if (found !== undefined) return await result(found.path, found.inputs, true)

    progress('compile', false)
    const keep = join(cacheDir, name)
    await mkdir(keep, { recursive: true })
    const { compiled, inputs, key } = await compileUnchanged(() => toolchain.compile({ source, scratch, keep, tools }), cache)
    progress('componentize', false)
    const output = join(scratch, 'component.wasm')
    const reusable = compiler.runtime !== undefined && compiled.reusable !== false
    const runtime = reusable ? [JSON.stringify(compiler.runtime)] : []
    const args = [CHILD, compiled.wasm, compiled.form, output, ...runtime]
    const made = await tools.run(process.execPath, ['--disable-warning=ExperimentalWarning', ...args])
    if (made.code !== 0) throw new BuildError(firstLine(made.stderr), undefined, { cause: made.stderr })
    const path = await cache.put(key, inputs, await readFile(output))
    return await result(path, inputs, false)
  } finally {
    clearTimeout(timer)
    await rm(scratch, { recursive: true, force: true })
  }
}

const ATTEMPTS = 3

/** Compiles again when an input was written meanwhile: nobody knows which of the two contents the compiler saw. */
async function compileUnchanged(
  compile: () => Promise<Compiled>,
  cache: ComponentCache,
): Promise<{ readonly compiled: Compiled; readonly inputs: readonly string[]; readonly key: string }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = Date.now()
    const compiled = await compile()
    const inputs = [...new Set(compiled.inputs)].sort()
    const key = (await newest(inputs)) < before ? await cache.key(inputs) : undefined
    if (key !== undefined) return { compiled, inputs, key }
  }
  throw new BuildError('the sources change while they are compiled', undefined)
}

/** When the newest of the files was written, in milliseconds since the epoch; infinite when one is gone. */
async function newest(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => Infinity),
    ),
  )
  return Math.max(0, ...times)
}

async function filesAndFolders(
  paths: readonly string[],
): Promise<readonly [files: readonly string[], folders: readonly string[]]> {
  const kinds = await Promise.all(paths.map(async (path) => (await stat(path)).isDirectory()))
  return [paths.filter((_, i) => kinds[i] !== true), paths.filter((_, i) => kinds[i] === true)]
}

/** The path without symbolic links, as compilers name it in their lists of inputs. */
async function sourceFile(path: string): Promise<string> {
  await requireFile(path)
  return realpath(path)
}
