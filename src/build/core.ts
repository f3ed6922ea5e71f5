import { componentEmbed, componentNew, preview1AdapterReactorPath } from '@bytecodealliance/jco'
import { readFile } from 'node:fs/promises'
import { addRuntimeSection, type Runtime } from '../component/runtime-section.ts'
import { AmpouleError } from '../errors.ts'
import { inspectModule } from '../wasm/index.ts'

const WORLDS = {
  event: new URL('../../guest-sdk/wit/world.wit', import.meta.url),
  native: new URL('../../guest-sdk/wit/native.wit', import.meta.url),
}

export interface CoreOptions {
  /** `event`: the module imports nothing. `native`: it may import the functions of WASI 0.2 in guest-sdk/wit/native.wit. Default `event`. */
  readonly world?: keyof typeof WORLDS
  /** The module imports WASI preview1: jco's adapter is put under it. Default false. */
  readonly preview1?: boolean
}

/**
 * A component of the event world from a core module that exports `handle`, `cabi_realloc` and `memory` as guest-sdk/c/ampoule.h
 * does. `runtime` is written into the component where the module answers `warm` events. Rejects with `BuildFailed` when the module
 * does not fit the world.
 */
export async function componentizeCore(
  core: Uint8Array,
  runtime?: Runtime,
  { world = 'event', preview1 = false }: CoreOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const embedded = await componentEmbed({ binary: core, witSource: await readFile(WORLDS[world], 'utf8'), world })
    const component = await componentNew(embedded, await adapters(preview1))
    return runtime === undefined ? new Uint8Array(component) : addRuntimeSection(component, runtime)
  } catch (error) {
    throw unfit('the event world', error)
  }
}

/**
 * A component from a core module as somebody else compiled it: of the world that is embedded in it (as wit-bindgen does), else of the
 * event world as in {@link componentizeCore}. A module that imports WASI preview1 gets jco's adapter. Rejects with `BuildFailed`.
 */
export async function componentFromCore(core: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { imports, exports, customSections } = inspectModule(core)
  const preview1 = imports.some(({ module }) => module === PREVIEW1)
  if (!customSections.some(({ name }) => name.startsWith('component-type'))) {
    if (exports.some(({ name }) => name === '_start'))
      throw new AmpouleError(
        'BuildFailed',
        'the core module is a command (it exports "_start"), which nothing calls: build it as a library that exports "handle" (wasm32-wasip1: -mexec-model=reactor)',
      )
    return componentizeCore(core, undefined, { world: 'native', preview1 })
  }
  try {
    return new Uint8Array(await componentNew(core, await adapters(preview1)))
  } catch (error) {
    throw unfit('the world that it names', error)
  }
}

const PREVIEW1 = 'wasi_snapshot_preview1'

const adapters = async (preview1: boolean): Promise<[string, Uint8Array][]> =>
  preview1 ? [[PREVIEW1, await readFile(preview1AdapterReactorPath())]] : []

function unfit(world: string, error: unknown): AmpouleError {
  // jco's tools throw strings as well as errors.
  const message = error instanceof Error ? error.message : String(error)
  return new AmpouleError('BuildFailed', `the core module does not fit ${world}: ${message.split('\n')[0] ?? ''}`, {
    cause: error,
  })
}
