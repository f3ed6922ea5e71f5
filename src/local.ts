import type { DeployedFunction } from './engine/contract.ts'
import { SharedCounts, type CounterIndex } from './engine/counts.ts'
import { engineParts } from './engine/parts.ts'
import { prepareFunction, type EngineParts, type Material } from './engine/prepare.ts'
import { Runner } from './engine/runner.ts'
import { ScriptEngines } from './engine/script.ts'
import { SliceScheduler } from './engine/slices.ts'
import { releaseSnapshot } from './engine/snapshot.ts'
import type { FunctionSettings } from './functions/settings.ts'
import type { HostedFunction } from './invoke/invoke.ts'

export interface LocalFunction extends HostedFunction {
  close(): Promise<void>
}

/** What functions in this thread share: engines that are initialised once for all scripts. */
export class LocalEngines {
  readonly parts: EngineParts = engineParts('copy')
  readonly #scripts = new ScriptEngines(this.parts)

  async prepare({ artifact, spec }: DeployedFunction): Promise<Material> {
    const { script } = artifact
    if (script !== undefined && this.#scripts.has(script.engine)) return this.#scripts.load(script, spec)
    const modules = await Promise.all(artifact.modules.map(({ bytes }) => WebAssembly.compile(bytes)))
    if (script === undefined) return prepareFunction(artifact, modules, spec, this.parts)
    await this.#scripts.add(script.engine, artifact, modules)
    return this.#scripts.load(script, spec)
  }

  /** Gives back what `prepare` gave, when no instance uses it any more. */
  release({ snapshot }: Material): void {
    if (snapshot !== undefined) releaseSnapshot(snapshot, this.parts.strategy)
  }

  close(): Promise<void> {
    return this.#scripts.close()
  }
}

/**
 * One function in this thread, without lanes and without a listener. It is initialised here as well, which lanes never do because
 * it can take them seconds; instances are made when they are needed. Whoever opens several functions gives `engines`, and closes them.
 * Rejects with `TopLevelFailure` when the function is a script whose top level fails (src/deploy.ts `explainDeployment`).
 */
export async function openLocal(
  settings: FunctionSettings,
  fn: DeployedFunction,
  engines: LocalEngines = new LocalEngines(),
): Promise<LocalFunction> {
  const { parts } = engines
  const material = await engines.prepare(fn)
  const runner = new Runner({
    spec: fn.spec,
    material,
    parts,
    scheduler: new SliceScheduler(),
    counts: new SharedCounts(1, 0),
    index: 0 as CounterIndex,
    minInstances: 0,
    ceilingKib: CEILING_KIB,
    verifyEvery: 1,
    requestEviction: () => undefined,
    // There is no lane to replace.
    stuck: () => process.exit(70),
  })
  const close = async (): Promise<void> => {
    await runner.close()
    engines.release(material)
  }
  return { settings, runner, close }
}

/** No ceiling but each function's own limit. */
const CEILING_KIB = 2 ** 30
