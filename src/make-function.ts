import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { createHash, randomUUID } from 'node:crypto'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { buildFunction } from './build/build.ts'
import { relativeMap } from './build/bundle.ts'
import type { BuildOptions, ScriptResult } from './build/contract.ts'
import { engineArtifact } from './build/engine-artifact.ts'
import { buildCoreModule, buildLanguage, languageOf, type LanguageBuildOptions } from './build/languages/index.ts'
import { buildScript } from './build/script.ts'
import type { ScriptOrigin } from './build/top-level.ts'
import { scriptArtifact } from './component/artifact.ts'
import { binaryKind } from './component/parse.ts'
import type { Artifact } from './component/contract.ts'
import type { ArtifactStore } from './component/store.ts'
import type { SourceMapLocation } from './observe/source-map.ts'
import { AmpouleError } from './errors.ts'
import type { FunctionSettings } from './functions/settings.ts'

/** A function as an artifact, and what its author's tools want to know of it. */
export interface MadeFunction {
  readonly artifact: Artifact
  /** Absolute paths of the files (and folders, for some languages) that it was made of, as far as they are known. */
  readonly inputs: readonly string[]
  /** Nothing had to be built or compiled that takes seconds. */
  readonly cached: boolean
  /** Absolute path of the component, where the function is one of its own. */
  readonly component: string | undefined
  readonly sourceMap: SourceMapLocation | undefined
  /** Set for scripts. */
  readonly origin: ScriptOrigin | undefined
}

export interface MakeOptions {
  /** That paths of the settings are relative to; absolute. */
  readonly folder: string
  /** Folder of what is built; may be deleted at any time. */
  readonly cacheDir: string
  readonly store: ArtifactStore
  /** Makes a component that needs no engine beside it, also where a script would do. */
  readonly selfContained: boolean
  /** Absolute path of a module that stands for what the function is granted (src/build/contract.ts `ScriptOptions`). */
  readonly stubs: string | undefined
  readonly signal: AbortSignal | undefined
  /** Runs one build after the other: some take most of a gigabyte. */
  readonly inTurn: <T>(build: () => Promise<T>) => Promise<T>
  readonly onBuild: () => void
  readonly onCompile: (cached: boolean) => void
}

/** Functions in JavaScript become scripts for an engine that all of them share; everything else a component of its own. */
export async function makeFunction(settings: FunctionSettings, options: MakeOptions): Promise<MadeFunction> {
  const { source, component } = settings
  const { folder } = options
  if (options.stubs !== undefined && !isScript(settings, options))
    throw new AmpouleError('InvalidConfiguration', 'stubs are for functions in JavaScript or TypeScript, of the kind event')
  if (component !== undefined) return makeFromComponent(resolve(folder, component), options)
  if (source === undefined) throw new AmpouleError('InvalidConfiguration', 'neither source nor component is given')
  const other = languageOf(source, settings.language)
  if (other !== undefined)
    return makeFrom(resolve(folder, source), options, (given) => buildLanguage({ ...given, language: other }))
  if (isScript(settings, options)) return makeFromScript(resolve(folder, source), settings, options)
  return makeFromModule(resolve(folder, source), settings, options)
}

const isScript = ({ source, language, kind }: FunctionSettings, { selfContained }: MakeOptions): boolean =>
  source !== undefined && languageOf(source, language) === undefined && kind !== 'wasi-http' && !selfContained

async function makeFromComponent(path: string, options: MakeOptions): Promise<MadeFunction> {
  const { store, onCompile } = options
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new AmpouleError('InvalidComponent', `cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  if (binaryKind(bytes) === 'core module') return makeFrom(path, options, buildCoreModule)
  onCompile(true)
  return {
    artifact: await store.put(bytes),
    inputs: [path],
    cached: true,
    component: path,
    sourceMap: undefined,
    origin: undefined,
  }
}

/** By a build that needs processes of its own. */
async function makeFrom(
  source: string,
  { cacheDir, store, signal, inTurn, onBuild, onCompile }: MakeOptions,
  build: typeof buildCoreModule,
): Promise<MadeFunction> {
  const onProgress: LanguageBuildOptions['onProgress'] = ({ stage, cached }) => stage === 'compile' && !cached && onBuild()
  const given = {
    source,
    cacheDir: join(cacheDir, 'components'),
    onProgress,
    ...(signal === undefined ? {} : { signal }),
  }
  const { component, path, inputs, cached } = await inTurn(() => build(given))
  onCompile(cached)
  return { artifact: await store.put(component), inputs, cached, component: path, sourceMap: undefined, origin: undefined }
}

async function makeFromModule(entry: string, { engine, kind }: FunctionSettings, options: MakeOptions): Promise<MadeFunction> {
  const { cacheDir, store, signal, inTurn, onBuild, onCompile } = options
  const given: BuildOptions = {
    entry,
    cacheDir: join(cacheDir, 'components'),
    // Until it is bundled nobody knows whether it is in the cache.
    onProgress: ({ stage, cached }) => stage === 'componentize' && !cached && onBuild(),
    ...(engine === undefined ? {} : { engine }),
    ...(kind === undefined ? {} : { kind }),
    ...(signal === undefined ? {} : { signal }),
  }
  const { component, path, cached, sourceMapPath } = await inTurn(() => buildFunction(given))
  onCompile(cached)
  const artifact = await store.put(component)
  return {
    artifact,
    inputs: [entry],
    cached,
    component: path,
    sourceMap: { path: sourceMapPath, root: rootOf(entry, options) },
    origin: undefined,
  }
}

async function makeFromScript(
  entry: string,
  { engine = 'starlingmonkey' }: FunctionSettings,
  options: MakeOptions,
): Promise<MadeFunction> {
  const { signal, stubs, inTurn, onBuild, onCompile } = options
  signal?.throwIfAborted()
  const script = await buildScript({ entry, engine, ...(stubs !== undefined && { stubs }) })
  let cached = true
  const onProgress: BuildOptions['onProgress'] = ({ stage, cached: kept }) => {
    if (stage !== 'componentize' || kept) return
    cached = false
    onBuild()
  }
  const base = await inTurn(() => engineArtifact(engine, { onProgress, ...(signal === undefined ? {} : { signal }) }))
  onCompile(cached)
  const sourceMapPath = await keepMap(script, entry, join(options.cacheDir, 'scripts'))
  return {
    artifact: scriptArtifact(base, Buffer.from(script.code)),
    inputs: script.inputs,
    cached,
    component: undefined,
    sourceMap: { path: sourceMapPath, root: rootOf(entry, options) },
    origin: { entry, sourceMapPath },
  }
}

const rootOf = (entry: string, { folder }: MakeOptions): string => relative(folder, dirname(entry)).replaceAll(sep, '/')

/** Named by its own content: the same script may come from other lines. */
async function keepMap({ map }: ScriptResult, entry: string, folder: string): Promise<string> {
  const text = JSON.stringify(relativeMap(map, entry))
  const path = join(folder, `${createHash('sha256').update(text).digest('hex')}.js.map`)
  if ((await stat(path).catch(() => undefined)) !== undefined) return path
  await mkdir(folder, { recursive: true })
  const temporary = `${path}.${randomUUID()}.tmp`
  await writeFile(temporary, text)
  await rename(temporary, path)
  return path
}
