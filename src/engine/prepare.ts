import { AmpouleError } from '../errors.ts'
import type { Artifact, CoreModule, EventForm, LinkPlan, PrepareLink } from '../component/contract.ts'
import type { CreateWasi, Mount } from '../wasi/contract.ts'
import type { InstrumentReport } from '../wasm/contract.ts'
import type { FunctionSpec, InvocationContext } from './contract.ts'
import { INIT_BUDGET_MS, INIT_FUEL } from './meter.ts'
import type { Mounts } from './files/mounts.ts'
import { Instance, type Initialisation, type InstanceSource } from './instance.ts'
import { hasLocalGlobals } from './globals.ts'
import type { RestoreStrategy } from './restore/contract.ts'
import { SliceScheduler } from './slices.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * How instances of a function begin:
 * - `shared`: from one snapshot for all
 * - `local`: each initialises itself and keeps its own snapshot, since tables or globals cannot be carried between instances
 * - `fresh`: each initialises itself and serves one invocation, since initialisation drew random numbers that must not repeat (ISOLATION.md 11)
 */
export type SnapshotMode = 'shared' | 'local' | 'fresh'

/** All that a lane needs to make instances; can be posted to the threads of this process. */
export interface Material {
  readonly mode: SnapshotMode
  readonly modules: readonly WebAssembly.Module[]
  /** Set unless `mode` is `shared`. */
  readonly initialisation: readonly Initialisation[] | undefined
  readonly plan: LinkPlan
  readonly reports: readonly InstrumentReport[]
  /** Set when `mode` is `shared`. */
  readonly snapshot: Snapshot | undefined
  /** Whether the runtime answers warm-up events, for `local` instances. */
  readonly warm: boolean
  readonly events: EventForm
}

export interface EngineParts {
  readonly strategy: RestoreStrategy
  readonly prepareLink: PrepareLink
  readonly createWasi: CreateWasi
  /** Of this thread. */
  readonly mounts: Mounts
  /** The event that runtimes of our own answer by walking their own path (docs/events.md), in each form. */
  readonly warmEvents: Readonly<Record<EventForm, Uint8Array>>
}

/** An artifact without the bytes of its modules. */
export type Initialisable = Omit<Artifact, 'modules'> & { readonly modules: readonly Omit<CoreModule, 'bytes'>[] }

/** Start functions of instances that initialise themselves in a lane (modes `local` and `fresh`) may hold it this long; milliseconds. */
const LANE_INIT_MS = 250

/** So often a runtime warms itself before the snapshot; from then on the dirtied pages stay the same, and StarlingMonkey only gets slower. */
const WARM_CALLS = 8

/**
 * Initialises an artifact once, from its compiled modules. They carry no initialisation (src/wasm/detach.ts), so functions of the same language
 * runtime have the same modules, and V8 compiles and keeps the code of all of them once.
 * Takes milliseconds to seconds: belongs on a thread that serves no one.
 */
export async function prepareFunction(
  artifact: Initialisable,
  modules: readonly WebAssembly.Module[],
  spec: FunctionSpec,
  parts: EngineParts,
): Promise<Material> {
  const { plan, meta } = artifact
  const reports = artifact.modules.map(({ report }) => report)
  const warm = meta.runtime?.warm === true
  const events = meta.runtime?.events ?? 'msgpack'
  const initialisation = artifact.modules.map(({ segments, start }) => ({ segments, start }))
  const common = { plan, reports, warm, events, modules }
  const own = { ...common, initialisation, snapshot: undefined }

  using files = parts.mounts.take(spec)
  const instance = new Instance(instanceSource(spec, own, parts, new SliceScheduler(), FORGE, files.mounts))
  if (warm) await warmUp(instance, parts.warmEvents[events])
  if (meta.runtime === undefined && instance.draws.random > 0) return { ...own, mode: 'fresh' }
  if (instance.tablesTouched || reports.some(hasLocalGlobals)) return { ...own, mode: 'local' }
  const snapshot = instance.capture()
  instance.discard()

  return { ...common, mode: 'shared', initialisation: undefined, snapshot }
}

/** A ready instance of `material`. */
export async function createInstance(source: InstanceSource, material: Material, parts: EngineParts): Promise<Instance> {
  const instance = new Instance(source)
  if (material.warm && material.snapshot === undefined) await warmUp(instance, parts.warmEvents[material.events])
  if (material.mode === 'fresh') instance.readyOnce()
  else if (material.snapshot !== undefined) instance.adopt(material.snapshot)
  else instance.adopt(instance.capture(), true)
  return instance
}

export function instanceSource(
  spec: FunctionSpec,
  material: Pick<Material, 'plan' | 'modules' | 'reports' | 'initialisation'>,
  parts: EngineParts,
  scheduler: SliceScheduler,
  lane: Pick<InstanceSource, 'reserve' | 'stuck'> = FORGE,
  mounts: readonly Mount[] = [],
): InstanceSource {
  return {
    spec,
    plan: material.plan,
    reports: material.reports,
    initialisation: material.initialisation,
    initialisationMs: lane === FORGE ? INIT_BUDGET_MS : LANE_INIT_MS,
    link: parts.prepareLink(material.plan, material.modules),
    strategy: parts.strategy,
    scheduler,
    createWasi: parts.createWasi,
    mounts,
    ...lane,
  }
}

/** Where nobody is served and no ceiling counts. */
const FORGE: Pick<InstanceSource, 'reserve' | 'stuck'> = { reserve: () => true, stuck: () => {} }

async function warmUp(instance: Instance, event: Uint8Array): Promise<void> {
  const lines: string[] = []
  const context: InvocationContext = {
    requestId: 'warm',
    signal: new AbortController().signal,
    log: (_, line) => void lines.push(line),
  }
  for (let i = 0; i < WARM_CALLS; i++) {
    try {
      await instance.runEvent(event, context, INIT_BUDGET_MS, INIT_FUEL)
    } catch (error) {
      throw new AmpouleError(
        'InvalidComponent',
        `the function failed while it was initialised: ${[...lines, (error as Error).message].join('\n')}`,
        { cause: error },
      )
    }
    instance.keep()
  }
}
