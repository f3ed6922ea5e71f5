import { createArtifact } from '../../src/component/artifact.ts'
import type { FunctionLimits, FunctionSpec, InvocationContext, MountSpec } from '../../src/engine/contract.ts'
import { SharedCounts, type CounterIndex } from '../../src/engine/counts.ts'
import { engineParts } from '../../src/engine/parts.ts'
import { prepareFunction, type Material } from '../../src/engine/prepare.ts'
import { chooseStrategy, type RestoreChoice } from '../../src/engine/restore/index.ts'
import { Runner } from '../../src/engine/runner.ts'
import { SliceScheduler } from '../../src/engine/slices.ts'
import { SOAK } from './rounds.ts'
import { isSupported } from '../../src/wasi/index.ts'

/** What this machine can restore with. */
export const strategies = [
  'copy',
  ...(chooseStrategy('auto').strategy.name === 'dirty-pages' ? ['dirty-pages' as const] : []),
] as const

/** A budget that ends a runaway guest within milliseconds. */
export const CHEAP: FunctionLimits = {
  memoryMb: 16,
  // What a soak is stopped for is not the guest's time.
  timeoutMs: SOAK ? 900_000 : 5_000,
  fuel: 5_000_000n,
  maxRequestBytes: 1e6,
  maxResponseBytes: 1e6,
}

export interface FunctionOptions {
  readonly limits?: Partial<FunctionLimits>
  readonly concurrency?: number
  readonly minInstances?: number
  readonly variables?: FunctionSpec['variables']
  readonly mounts?: readonly MountSpec[]
}

/** One lane in this thread: what a worker has, without the thread. Every restore is verified in full. */
export class TestLane {
  readonly counts = new SharedCounts(1, 0)
  readonly scheduler = new SliceScheduler()
  readonly runners: Runner[] = []
  /** How often an instance did not unwind after an abort. */
  stuck = 0
  evictions = 0
  readonly #restore: RestoreChoice
  readonly #ceilingKib: number

  constructor(restore: RestoreChoice = 'auto', ceilingMb = 4096) {
    this.#restore = restore
    this.#ceilingKib = ceilingMb * 1024
  }

  async prepare(component: Uint8Array, spec: FunctionSpec): Promise<Material> {
    const artifact = createArtifact(component, { isSupported })
    const modules = await Promise.all(artifact.modules.map(({ bytes }) => WebAssembly.compile(bytes)))
    return prepareFunction(artifact, modules, spec, engineParts(this.#restore))
  }

  async deploy(name: string, component: Uint8Array, options: FunctionOptions = {}): Promise<Runner> {
    const spec: FunctionSpec = {
      name,
      limits: { ...CHEAP, ...options.limits },
      variables: options.variables ?? [],
      mounts: options.mounts ?? [],
      concurrency: options.concurrency ?? 10,
      minInstances: options.minInstances ?? 1,
      idleMs: 60_000,
    }
    const runner = new Runner({
      spec,
      material: await this.prepare(component, spec),
      parts: engineParts(this.#restore),
      scheduler: this.scheduler,
      counts: this.counts,
      index: this.runners.length as CounterIndex,
      minInstances: spec.minInstances,
      ceilingKib: this.#ceilingKib,
      verifyEvery: 1,
      requestEviction: () => this.evictions++,
      stuck: () => this.stuck++,
    })
    this.runners.push(runner)
    await runner.pool.prewarm()
    return runner
  }

  async close(): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.close()))
  }
}

export interface Recorded extends InvocationContext {
  readonly lines: string[]
}

export function context(signal: AbortSignal = new AbortController().signal): Recorded {
  const lines: string[] = []
  return { requestId: 'test', signal, lines, log: (_, line) => void lines.push(line) }
}
