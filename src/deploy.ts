import { readFile } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { explainTopLevel } from './build/top-level.ts'
import { openArtifactStore } from './component/store.ts'
import type { Artifact } from './component/contract.ts'
import type { DeployedFunction } from './engine/contract.ts'
import { TopLevelFailure } from './engine/script.ts'
import { AmpouleError } from './errors.ts'
import { readConfiguration, type Configuration } from './functions/configuration.ts'
import { toSpec, type FunctionSettings } from './functions/settings.ts'
import { makeFunction, type MadeFunction, type MakeOptions } from './make-function.ts'
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
  /** Makes components that need no engine beside them, for other hosts. Default false: functions in JavaScript are scripts. */
  readonly selfContained?: boolean
  /** Absolute path of a module that stands for what functions are granted; for tests of functions in JavaScript. */
  readonly stubs?: string
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

/** A function that can be run, and what its author's tools want to know of it. */
export interface Deployment extends DeployedFunction, Pick<MadeFunction, 'inputs' | 'component' | 'origin'> {}

/**
 * Builds and compiles the functions, using what is cached. Rejects after all were tried, naming every function that failed. What the top level
 * of a script does shows only when it is run: see {@link explainDeployment}.
 */
export async function deployFunctions(
  functions: readonly FunctionSettings[],
  { folder, host }: Pick<LoadedConfiguration, 'folder' | 'host'>,
  options: DeployOptions = {},
): Promise<readonly Deployment[]> {
  options.signal?.throwIfAborted()
  const cacheDir = cacheFolder(folder)
  const store = await openArtifactStore(join(cacheDir, 'artifacts'), { isSupported })
  const inTurn = oneAfterTheOther(options.signal)
  const deploy = async (settings: FunctionSettings): Promise<Deployment> => {
    const started = performance.now()
    const report = (stage: DeployProgress['stage'], cached: boolean) =>
      options.onProgress?.({ function: settings.name, stage, ms: performance.now() - started, cached })
    const { artifact, inputs, cached, component, sourceMap, origin } = await makeFunction(settings, {
      folder,
      cacheDir,
      store,
      selfContained: options.selfContained === true,
      stubs: options.stubs,
      signal: options.signal,
      inTurn,
      onBuild: () => report('build', false),
      onCompile: (known) => report('compile', known),
    })
    requireWay(settings, artifact)
    report('done', cached)
    return {
      artifact,
      spec: { ...toSpec(settings, host), ...(sourceMap !== undefined && { sourceMap }) },
      inputs,
      component,
      origin,
    }
  }
  const results = await Promise.allSettled(functions.map(deploy))
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [named(functions[index]?.name ?? '', result.reason)] : [],
  )
  if (failures.length > 0) {
    options.signal?.throwIfAborted()
    throw together(failures)
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/**
 * What `startLanes`, `LaneGroup.deploy` or `openLocal` rejected with, in the author's terms where a script's top level failed: a
 * {@link BuildError} (`BuildFailed`) with the place in the author's files, as the `cause` of an error that names the function.
 */
export async function explainDeployment(error: unknown, deployments: readonly Deployment[]): Promise<unknown> {
  if (error instanceof AmpouleError && error.cause instanceof AggregateError) {
    const explained = await Promise.all(error.cause.errors.map((one: unknown) => explainDeployment(one, deployments)))
    return together(explained.map((one) => (one instanceof AmpouleError ? one : named('', one))))
  }
  if (!(error instanceof TopLevelFailure)) return error
  const origin = deployments.find(({ spec }) => spec.name === error.functionName)?.origin
  return named(error.functionName, origin === undefined ? error : await explainTopLevel(error, origin))
}

function oneAfterTheOther(signal: AbortSignal | undefined): MakeOptions['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (build) => {
    const turn = last.then(() => {
      signal?.throwIfAborted()
      return build()
    })
    last = turn.catch(() => undefined)
    return turn
  }
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
  return new AmpouleError(error.code, `function "${name}": ${error.message}`, { cause: error })
}

/** One error for all of them; `cause` is an `AggregateError` when there are several. */
function together(failures: readonly AmpouleError[]): AmpouleError {
  const [first = new AmpouleError('Internal', 'nothing failed')] = failures
  if (failures.length <= 1) return first
  const message = failures.map((failure) => failure.message).join('\n')
  return new AmpouleError(first.code, message, { cause: new AggregateError(failures, message) })
}
