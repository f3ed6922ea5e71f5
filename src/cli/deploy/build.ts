import { deployFunctions, explainDeployment } from '../../deploy.ts'
import { AmpouleError } from '../../errors.ts'
import type { FunctionSettings } from '../../functions/settings.ts'
import { LocalEngines } from '../../local.ts'
import type { Io } from '../command.ts'
import { clearProgress, deployProgress } from '../progress.ts'
import { isScript, packComponent, packScript, type Packed } from './package.ts'
import type { Target } from './targets.ts'

export interface BuildTargetsOptions {
  /** Environment variables beside those of the configuration. */
  readonly variables: Readonly<Record<string, string>> | undefined
  /** Whether the function has layers on the host, which is then the only one to know all of its packages. */
  readonly hasLayers: (name: string) => boolean
}

/**
 * Builds functions as `ampoule build` does, and runs what runs at their start: most of what would fail on the host fails here, before anything
 * has changed there. Gives of each what the host takes, or why there is nothing. Rejects when it is interrupted.
 */
export async function buildTargets(
  targets: readonly Target[],
  { variables, hasLayers }: BuildTargetsOptions,
  io: Io,
): Promise<ReadonlyMap<string, Packed | AmpouleError>> {
  const engines = new LocalEngines()
  const built = new Map<string, Packed | AmpouleError>()
  const onProgress = deployProgress(io, targets.length)
  try {
    for (const { settings, configuration } of targets) {
      const { name, environment } = settings
      const started = { ...settings, environment: [...environment, ...Object.entries(variables ?? {})] }
      const one =
        isScript(settings) && hasLayers(name)
          ? packScript(settings.source ?? '', configuration.folder, true)
          : build(started, { configuration, engines, onProgress, signal: io.signal })
      built.set(name, await one.catch((error: unknown) => mistakeOf(error, io)))
    }
    return built
  } finally {
    clearProgress(io)
    await engines.close()
  }
}

interface BuildParts extends Pick<Target, 'configuration'> {
  readonly engines: LocalEngines
  readonly onProgress: ReturnType<typeof deployProgress>
  readonly signal: AbortSignal
}

async function build(settings: FunctionSettings, { configuration, engines, onProgress, signal }: BuildParts): Promise<Packed> {
  const script = isScript(settings)
  const [deployment] = await deployFunctions([settings], configuration, { onProgress, signal, selfContained: !script })
  if (deployment === undefined) throw new AmpouleError('Internal', 'nothing was built')
  if (!script) return packComponent(deployment)
  try {
    engines.release(await engines.prepare(deployment))
  } catch (error) {
    throw await explainDeployment(error, [deployment])
  }
  return packScript(settings.source ?? '', configuration.folder, false)
}

/** Without the function's name, which is told beside it. Throws what is not the author's. */
function mistakeOf(error: unknown, { signal }: Io): AmpouleError {
  if (signal.aborted || !(error instanceof AmpouleError) || error.kind.fault === 'host') throw error
  return error.cause instanceof AmpouleError && error.message.endsWith(error.cause.message) ? error.cause : error
}
