import type { Artifact } from '../src/component/contract.ts'
import type { FunctionSpec, InvocationContext } from '../src/engine/contract.ts'
import type { Instance } from '../src/engine/instance.ts'
import { engineParts } from '../src/engine/parts.ts'
import { createInstance, instanceSource, prepareFunction, type EngineParts, type Material } from '../src/engine/prepare.ts'
import { ScriptEngines } from '../src/engine/script.ts'
import { SliceScheduler } from '../src/engine/slices.ts'

/** A function without host around it, for benchmarks of the engine alone. */
export interface Bare {
  readonly spec: FunctionSpec
  readonly artifact: Artifact
  readonly material: Material
  create(): Promise<Instance>
}

const MEMORY_MB = 256

export const spec = (name: string): FunctionSpec => ({
  name,
  limits: { memoryMb: MEMORY_MB, timeoutMs: 60_000, fuel: 1_000_000_000_000n, maxRequestBytes: 6e6, maxResponseBytes: 6e6 },
  // As the host does it (src/functions/settings.ts), so that it is known before the snapshot what the context says.
  variables: [['AWS_LAMBDA_FUNCTION_NAME', name]],
  concurrency: 1_000,
  minInstances: 0,
  idleMs: 60_000,
})

/** From the artifact of a component or a script. Without `warm` the runtime does not walk its own path before the snapshot. */
export async function bare(
  name: string,
  artifact: Artifact,
  options: { readonly warm?: boolean; readonly restore?: 'auto' | 'copy' } = {},
): Promise<Bare> {
  const { runtime: own } = artifact.meta
  const runtime = own === undefined || options.warm !== false ? own : { ...own, warm: false }
  const parts = engineParts(options.restore ?? 'auto')
  const material = await prepare({ ...artifact, meta: { ...artifact.meta, runtime } }, spec(name), parts)
  const source = instanceSource(spec(name), material, parts, new SliceScheduler())
  return { spec: spec(name), artifact, material, create: () => createInstance(source, material, parts) }
}

async function prepare(artifact: Artifact, spec: FunctionSpec, parts: EngineParts): Promise<Material> {
  const { script } = artifact
  const modules = await Promise.all(artifact.modules.map(({ bytes }) => WebAssembly.compile(bytes)))
  if (script === undefined) return prepareFunction(artifact, modules, spec, parts)
  const engines = new ScriptEngines(parts)
  await engines.add(script.engine, artifact, modules)
  return engines.load(script, spec)
}

export const context: InvocationContext = { requestId: 'bench', signal: new AbortController().signal, log: () => {} }
