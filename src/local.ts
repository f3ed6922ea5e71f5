import type { DeployedFunction } from './engine/contract.ts'
import { SharedCounts, type CounterIndex } from './engine/counts.ts'
import { engineParts } from './engine/parts.ts'
import { prepareFunction } from './engine/prepare.ts'
import { Runner } from './engine/runner.ts'
import { SliceScheduler } from './engine/slices.ts'
import type { FunctionSettings } from './functions/settings.ts'
import type { HostedFunction } from './invoke/invoke.ts'

export interface LocalFunction extends HostedFunction {
  close(): Promise<void>
}

/**
 * One function in this thread, without lanes and without a listener. It is initialised here as well, which lanes never do because
 * it can take them seconds; instances are made when they are needed.
 */
export async function openLocal(settings: FunctionSettings, { artifact, spec }: DeployedFunction): Promise<LocalFunction> {
  const parts = engineParts('copy')
  const modules = await Promise.all(artifact.modules.map(({ bytes }) => WebAssembly.compile(bytes)))
  const runner = new Runner({
    spec,
    material: await prepareFunction(artifact, modules, spec, parts),
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
  return { settings, runner, close: () => runner.close() }
}

/** No ceiling but each function's own limit. */
const CEILING_KIB = 2 ** 30
