import { AmpouleError } from '../errors.ts'
import { inspectModule, type ModuleInspection } from '../wasm/index.ts'
import { compileModules, deriveComponent, type ArtifactOptions } from './artifact.ts'
import type { LinkPlan } from './contract.ts'
import { requireSupport } from './support.ts'

export interface ComponentInspection {
  readonly bytes: number
  /** The component's world as WIT text. */
  readonly world: string
  /** Its core modules, as far as something that can be called needs them. */
  readonly modules: readonly ModuleInspection[]
  /** How it can be called; empty when it is refused. */
  readonly ways: readonly (keyof LinkPlan['exports'])[]
  /** Why it cannot be a function; undefined when it can. */
  readonly refused: string | undefined
}

/**
 * What a component is made of, for people who look at one; takes seconds for a language runtime. Throws `InvalidComponent` for what is
 * no component.
 */
export async function inspectComponent(component: Uint8Array, options: ArtifactOptions): Promise<ComponentInspection> {
  const world = await componentWorld(component)
  let modules: readonly ModuleInspection[] = []
  try {
    const derived = deriveComponent(component, options.maxComponentBytes)
    modules = derived.modules.map((bytes) => inspectModule(bytes))
    requireSupport(derived.plan, options.isSupported)
    compileModules(derived.modules)
    const ways = Object.keys(derived.plan.exports) as (keyof LinkPlan['exports'])[]
    return { bytes: component.length, world, modules, ways, refused: undefined }
  } catch (error) {
    if (!(error instanceof AmpouleError)) throw error
    return { bytes: component.length, world, modules, ways: [], refused: error.message }
  }
}

async function componentWorld(component: Uint8Array): Promise<string> {
  const { componentWit } = await import('@bytecodealliance/jco')
  try {
    return await componentWit(component)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AmpouleError('InvalidComponent', `the component has no world that can be read: ${why}`, { cause: error })
  }
}
