import { createHash } from 'node:crypto'
import { AmpouleError } from '../errors.ts'
import { detachInitialisation, instrumentModule } from '../wasm/index.ts'
import { evaluate } from './evaluate.ts'
import { binaryKind, parseComponent } from './parse.ts'
import { readRuntimeSection } from './runtime-section.ts'
import { requireSupport } from './support.ts'
import { findWays } from './ways.ts'
import type { IsSupported } from '../wasi/contract.ts'
import type { Artifact, ArtifactMeta, CoreModule, LinkPlan } from './contract.ts'

/** Part of every artifact's id: to be raised whenever the passes or the plan give another result for the same component. */
const PASSES_VERSION = 8

/** 100 MiB: several times the largest language runtime, small enough that reading and rewriting it takes seconds, not minutes. */
export const MAX_COMPONENT_BYTES = 100 * 1024 * 1024

export interface ArtifactOptions {
  readonly isSupported: IsSupported
  /** Largest accepted component in bytes. Default 100 MiB (`MAX_COMPONENT_BYTES`). */
  readonly maxComponentBytes?: number
}

/** What a component binary says, before its core modules are rewritten. */
export interface Derived {
  readonly plan: LinkPlan
  readonly meta: ArtifactMeta
  /** The core modules of the plan, as they are in the component. */
  readonly modules: readonly Uint8Array<ArrayBuffer>[]
}

/**
 * Component to artifact: link plan, instrumented core modules, what the component says of itself. Pure; takes some tens of milliseconds
 * for each MB, so a serving thread uses the store instead. Throws `InvalidComponent` and `InvalidModule` naming what and where.
 */
export function createArtifact(component: Uint8Array, options: ArtifactOptions): Artifact {
  const { plan, meta, modules } = deriveComponent(component, options.maxComponentBytes)
  requireSupport(plan, options.isSupported)
  return { id: artifactId(component), modules: compileModules(modules), plan, meta }
}

/** SHA-256, hex, over the version of the passes and the component's own SHA-256. */
export function artifactId(component: Uint8Array): string {
  return artifactIdOfDigest(createHash('sha256').update(component).digest())
}

/** The same from the component's SHA-256, for callers that compute it elsewhere. */
export function artifactIdOfDigest(digest: Uint8Array): string {
  return createHash('sha256').update(`ampoule artifact ${PASSES_VERSION}\n`).update(digest).digest('hex')
}

/**
 * A function that is a script (UTF-8) for an engine: the engine's artifact with the script beside it. Throws `InvalidComponent` when the
 * component takes none.
 */
export function scriptArtifact(engine: Artifact, bytes: Uint8Array): Artifact {
  if (engine.plan.exports.load === undefined)
    throw new AmpouleError(
      'InvalidComponent',
      'the component takes no script: it does not export load: func(list<u8>) -> result<list<u8>, list<u8>>',
    )
  const hash = createHash('sha256').update(bytes).digest('hex')
  const id = createHash('sha256').update(`ampoule script\n${engine.id}\n${hash}`).digest('hex')
  return { ...engine, id, script: { engine: engine.id, hash, bytes } }
}

export function requireSize(bytes: number, maxComponentBytes = MAX_COMPONENT_BYTES): void {
  if (bytes > maxComponentBytes) {
    throw new AmpouleError(
      'InvalidComponent',
      `the component has ${bytes} bytes, the limit is ${maxComponentBytes} (maxComponentBytes)`,
    )
  }
}

/** Reads the component and derives its link plan; looks at core modules only as far as their imports and exports. */
export function deriveComponent(component: Uint8Array, maxComponentBytes?: number): Derived {
  requireSize(component.length, maxComponentBytes)
  const bytes = unshared(component)
  const kind = binaryKind(bytes)
  if (kind === 'core module') {
    throw new AmpouleError(
      'InvalidComponent',
      'this is a WebAssembly core module, not a component: make a component of it with "jco new" (one that imports wasi preview1 needs the adapter: --wasi-reactor)',
    )
  }
  if (kind === 'unknown')
    throw new AmpouleError('InvalidComponent', 'this is not a WebAssembly component: it does not begin like one')
  const parsed = parseComponent(bytes)
  const { instances, modules, imports, exports } = evaluate(parsed)
  const plan: LinkPlan = { instances, exports: findWays(exports) }
  const meta: ArtifactMeta = {
    componentBytes: component.length,
    imports,
    exports: [...exports.keys()],
    runtime: readRuntimeSection(parsed.custom),
  }
  return { plan, meta, modules }
}

/** Validates each core module in full (instances may later be compiled with lazy validation) and runs the passes. */
export function compileModules(modules: readonly Uint8Array<ArrayBuffer>[]): CoreModule[] {
  return modules.map((bytes, index) => compileModule(bytes, index))
}

function compileModule(original: Uint8Array<ArrayBuffer>, index: number): CoreModule {
  const name = `core module ${index} (${original.length} bytes)`
  try {
    const { bytes, report } = instrumentModule(original)
    if (report.unrestorable.length > 0) {
      throw new AmpouleError(
        'InvalidModule',
        `it has state that cannot be put back after an invocation: ${report.unrestorable.join('; ')}`,
      )
    }
    if (report.unlimited.length > 0)
      throw new AmpouleError('InvalidModule', `no memory limit holds for it: ${report.unlimited.join('; ')}`)
    const detached = detachInitialisation(bytes)
    // `validate` checks every body even under --wasm-lazy-validation, where `new Module` and `compile` do not.
    if (!WebAssembly.validate(detached.bytes))
      throw new AmpouleError('Internal', 'instrumentation gave a module that is not valid')
    return { ...detached, hash: createHash('sha256').update(detached.bytes).digest('hex'), report }
  } catch (error) {
    if (!(error instanceof AmpouleError)) throw error
    throw new AmpouleError(error.code, `${name}: ${error.message}`, { cause: error })
  }
}

/** Another thread could change shared bytes after they were checked. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
}
