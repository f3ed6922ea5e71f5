import { readFile } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { buildFunction } from './build/build.ts'
import { openArtifactStore, type ArtifactStore } from './component/store.ts'
import type { Artifact } from './component/contract.ts'
import type { DeployedFunction } from './engine/contract.ts'
import { AmpouleError } from './errors.ts'
import { readConfiguration, type Configuration } from './functions/configuration.ts'
import { toSpec, type FunctionSettings } from './functions/settings.ts'
import { isSupported } from './wasi/index.ts'

/** What is being done for a function before it can run. */
export interface DeployProgress {
  readonly function: string
  /** `build`: source to component; `compile`: component to artifact; `done`. */
  readonly stage: 'build' | 'compile' | 'done'
  /** Milliseconds since this function was begun. */
  readonly ms: number
  /** Set with `done`: nothing had to be built. */
  readonly cached: boolean
}

export interface DeployOptions {
  readonly onProgress?: (progress: DeployProgress) => void
  /** Ends builds that are under way. */
  readonly signal?: AbortSignal
}

export interface LoadedConfiguration extends Configuration {
  /** Absolute path of the folder that paths of the configuration are relative to. */
  readonly folder: string
}

/** Reads and checks a configuration file. Rejects with `InvalidConfiguration`: `ConfigurationError` with all mistakes, or that it cannot be read. */
export async function loadConfiguration(path: string): Promise<LoadedConfiguration> {
  const folder = dirname(resolve(path))
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    throw new AmpouleError(
      'InvalidConfiguration',
      `cannot read the configuration ${path}: ${why}; name another with --config FILE`,
      { cause: error },
    )
  }
  const exists = (file: string) => statSync(resolve(folder, file), { throwIfNoEntry: false })?.isFile() === true
  return { ...readConfiguration(text, { file: path, exists }), folder }
}

/** The folder of built components and artifacts of a configuration; may be deleted at any time. */
const cacheFolder = (folder: string): string => join(folder, '.ampoule')

/**
 * Builds (one after the other: a build takes most of a gigabyte) and compiles the functions, using what is cached. Rejects
 * after all were tried, naming every function that failed.
 */
export async function deployFunctions(
  functions: readonly FunctionSettings[],
  { folder, host }: Pick<LoadedConfiguration, 'folder' | 'host'>,
  options: DeployOptions = {},
): Promise<readonly DeployedFunction[]> {
  const store = await openArtifactStore(join(cacheFolder(folder), 'artifacts'), { isSupported })
  const outcomes: Promise<DeployedFunction>[] = []
  for (const settings of functions) {
    options.signal?.throwIfAborted()
    const started = performance.now()
    const report = (stage: DeployProgress['stage'], cached: boolean) =>
      options.onProgress?.({ function: settings.name, stage, ms: performance.now() - started, cached })
    const component = await settled(componentOf(settings, folder, report, options.signal))
    // Compiling one goes on while the next is built.
    const outcome = compile(settings, component, store, report).then((artifact) => ({ artifact, spec: toSpec(settings, host) }))
    outcome.catch(() => undefined)
    outcomes.push(outcome)
  }
  const results = await Promise.allSettled(outcomes)
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [named(functions[index]?.name ?? '', result.reason)] : [],
  )
  if (failures.length === 1 && failures[0] !== undefined) throw failures[0]
  if (failures[0] !== undefined) {
    const message = failures.map((failure) => failure.message).join('\n')
    throw new AmpouleError(failures[0].code, message, { cause: new AggregateError(failures, message) })
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

interface Component {
  readonly bytes: Uint8Array
  readonly cached: boolean
}

async function componentOf(
  settings: FunctionSettings,
  folder: string,
  report: (stage: 'build', cached: boolean) => void,
  signal: AbortSignal | undefined,
): Promise<Component> {
  const { source, component, engine, kind } = settings
  if (component !== undefined) return { bytes: await readComponent(resolve(folder, component)), cached: true }
  if (source === undefined) throw new AmpouleError('InvalidConfiguration', 'neither source nor component is given')
  const built = await buildFunction({
    entry: resolve(folder, source),
    cacheDir: join(cacheFolder(folder), 'components'),
    // Until it is bundled nobody knows whether it is in the cache.
    onProgress: ({ stage, cached }) => stage === 'componentize' && !cached && report('build', false),
    ...(engine === undefined ? {} : { engine }),
    ...(kind === undefined ? {} : { kind }),
    ...(signal === undefined ? {} : { signal }),
  })
  return { bytes: built.component, cached: built.cached }
}

async function readComponent(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new AmpouleError('InvalidComponent', `cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

async function compile(
  settings: FunctionSettings,
  component: PromiseSettledResult<Component>,
  store: ArtifactStore,
  report: (stage: 'compile' | 'done', cached: boolean) => void,
): Promise<Artifact> {
  if (component.status === 'rejected') throw component.reason
  report('compile', component.value.cached)
  const artifact = await store.put(component.value.bytes)
  requireWay(settings, artifact)
  report('done', component.value.cached)
  return artifact
}

/** Refuses what could never answer a request. */
function requireWay({ kind }: FunctionSettings, { plan, meta }: Artifact): void {
  const { event, http } = plan.exports
  const has = kind === 'event' ? event : kind === 'wasi-http' ? http : (event ?? http)
  if (has !== undefined) return
  const wanted =
    kind === 'event'
      ? 'handle (the event world)'
      : kind === 'wasi-http'
        ? 'wasi:http/incoming-handler'
        : 'handle (the event world) or wasi:http/incoming-handler'
  throw new AmpouleError(
    'InvalidComponent',
    `the component does not export ${wanted}; it exports ${meta.exports.join(', ') || 'nothing'}`,
  )
}

function named(name: string, error: unknown): AmpouleError {
  if (!(error instanceof AmpouleError))
    return new AmpouleError('Internal', `function "${name}" could not be deployed`, { cause: error })
  return new AmpouleError(error.code, `function "${name}": ${error.message}`, { cause: error.cause ?? error })
}

const settled = async <T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> => {
  const [result] = await Promise.allSettled([promise])
  return result
}
