import { AmpouleError } from '../errors.ts'
import type { Script } from '../component/contract.ts'
import type { FunctionSpec, InvocationContext } from './contract.ts'
import { Instance } from './instance.ts'
import { INIT_BUDGET_MS, INIT_FUEL } from './meter.ts'
import { instanceSource, prepareFunction, type EngineParts, type Initialisable, type Material } from './prepare.ts'
import { SliceScheduler } from './slices.ts'
import { releaseSnapshot, type Snapshot } from './snapshot.ts'

/** What a script's top level may take: it runs once, at deployment, while no one waits for an answer. */
export interface TopLevelLimits {
  /** Default 10,000. */
  readonly timeoutMs: number
  /** Default 320,000,000,000: more than fits into ten seconds. */
  readonly fuel: bigint
}

const LIMITS: TopLevelLimits = { timeoutMs: INIT_BUDGET_MS, fuel: INIT_FUEL }

/** What came from the guest when its top level failed. Plain data. */
export interface TopLevelDetails {
  /** What the runtime says of an exception (docs/events.md, the err side), not decoded; undefined when the top level was ended. */
  readonly payload: Uint8Array | undefined
  /** The last lines that were written meanwhile. */
  readonly output: readonly string[]
}

/** A script's top level threw, or was ended. `code` is `BuildFailed`: what it ran into are not the limits of invocations. */
export class TopLevelFailure extends AmpouleError {
  override readonly name = 'TopLevelFailure'
  readonly functionName: string
  readonly details: TopLevelDetails

  constructor(functionName: string, message: string, details: TopLevelDetails, options?: { cause?: unknown }) {
    super('BuildFailed', message, options)
    this.functionName = functionName
    this.details = details
  }
}

/** Engines that are ready to load a script, each initialised and warmed once. */
export class ScriptEngines {
  readonly #parts: EngineParts
  readonly #onReady: (id: string, snapshot: Snapshot) => void
  readonly #limits: TopLevelLimits
  readonly #ready = new Map<string, Promise<ReadyEngine>>()

  /** `onReady` is told of every snapshot of an engine, which lives until `close` of this or until its owner releases it. */
  constructor(
    parts: EngineParts,
    { onReady = () => {}, limits = LIMITS }: { onReady?: (id: string, snapshot: Snapshot) => void; limits?: TopLevelLimits } = {},
  ) {
    this.#parts = parts
    this.#onReady = onReady
    this.#limits = limits
  }

  has(engine: string): boolean {
    return this.#ready.has(engine)
  }

  /** Initialises the engine with this id unless that has been done. */
  add(engine: string, artifact: Initialisable, modules: readonly WebAssembly.Module[]): Promise<unknown> {
    const ready = this.#ready.get(engine) ?? this.#prepare(engine, artifact, modules)
    this.#ready.set(engine, ready)
    // The next script tries again.
    ready.catch(() => this.#ready.delete(engine))
    return ready
  }

  /**
   * A function out of an engine that was added and a script: one instance is brought to the engine's snapshot, runs the script's top level
   * within limits of its own, and gives the function's snapshot. Rejects with {@link TopLevelFailure}, and with `BuildFailed` when a limit was reached.
   */
  async load(script: Script, spec: FunctionSpec): Promise<Material> {
    const engine = await this.#ready.get(script.engine)
    if (engine === undefined) throw new AmpouleError('Internal', `the engine ${script.engine} has not been added`)
    using files = this.#parts.mounts.take(spec)
    const instance = new Instance(instanceSource(spec, engine, this.#parts, new SliceScheduler(), undefined, files.mounts))
    try {
      instance.adopt(engine.snapshot)
      instance.reopen()
      // The engine is warm: warming it again makes no invocation faster, and would forget what the top level has left to be done.
      await runTopLevel(instance, script, spec, this.#limits)
      if (instance.tablesTouched) throw new AmpouleError('Internal', 'loading a script changed a table of its engine')
      return { ...engine, snapshot: instance.capture() }
    } finally {
      instance.discard()
    }
  }

  async close(): Promise<void> {
    const engines = await Promise.allSettled(this.#ready.values())
    this.#ready.clear()
    for (const engine of engines) if (engine.status === 'fulfilled') releaseSnapshot(engine.value.snapshot, this.#parts.strategy)
  }

  async #prepare(id: string, artifact: Initialisable, modules: readonly WebAssembly.Module[]): Promise<ReadyEngine> {
    if (artifact.plan.exports.load === undefined)
      throw new AmpouleError(
        'InvalidComponent',
        'a script needs a component that exports load: func(list<u8>) -> result<list<u8>, list<u8>>',
      )
    const material = await prepareFunction(artifact, modules, ENGINE_SPEC, this.#parts)
    if (material.snapshot === undefined)
      throw new AmpouleError('InvalidComponent', `an engine that initialises in mode ${material.mode} cannot be given scripts`)
    this.#onReady(id, material.snapshot)
    return { ...material, snapshot: material.snapshot }
  }
}

type ReadyEngine = Material & { readonly snapshot: Snapshot }

/** For the engine alone: of the function's own settings nothing may be in a snapshot that all functions start from. */
const ENGINE_SPEC: FunctionSpec = {
  name: 'engine',
  limits: {
    memoryMb: 256,
    timeoutMs: INIT_BUDGET_MS,
    fuel: INIT_FUEL,
    maxRequestBytes: 1024 * 1024,
    maxResponseBytes: 1024 * 1024,
  },
  variables: [],
  concurrency: 1,
  minInstances: 0,
  idleMs: 1_000,
}

async function runTopLevel(instance: Instance, { bytes }: Script, spec: FunctionSpec, limits: TopLevelLimits): Promise<void> {
  const lines: string[] = []
  const context: InvocationContext = {
    requestId: 'load',
    signal: new AbortController().signal,
    log(_, line) {
      lines.push(line.slice(0, MAX_LINE))
      if (lines.length > MAX_LINES) lines.shift()
    },
  }
  let answer: Awaited<ReturnType<Instance['load']>>
  try {
    answer = await instance.load(bytes, context, limits.timeoutMs, limits.fuel)
  } catch (error) {
    if (!(error instanceof AmpouleError) || error.kind.fault === 'host') throw error
    throw new TopLevelFailure(spec.name, whyEnded(error, limits), { payload: undefined, output: lines }, { cause: error })
  }
  if (!answer.ok) {
    const message = instance.memoryRefused
      ? `the top level wanted more memory than its limit of ${spec.limits.memoryMb} MiB; raise "memoryMb" to allow more`
      : THREW
    throw new TopLevelFailure(spec.name, message, { payload: answer.payload, output: lines })
  }
  instance.keep()
}

/** The message of a failure of which nothing is to be said but what the exception itself says. */
export const THREW = 'the top level threw'

/** How much of what a top level wrote goes with its failure. */
const MAX_LINES = 20
const MAX_LINE = 1_000

function whyEnded({ code, message }: AmpouleError, { timeoutMs, fuel }: TopLevelLimits): string {
  switch (code) {
    case 'DeadlineExceeded':
      return `the top level did not finish within ${timeoutMs} ms: do that work in the handler, or less of it`
    case 'FuelExhausted':
      return `the top level used its ${fuel} units of fuel: do that work in the handler, or less of it`
    default:
      return `the top level failed: ${message}`
  }
}
