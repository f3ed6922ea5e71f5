import { componentEmbed, componentNew, preview1AdapterReactorPath } from '@bytecodealliance/jco'
import { readFile } from 'node:fs/promises'
import { addRuntimeSection, type Runtime } from '../component/runtime-section.ts'
import { AmpouleError } from '../errors.ts'

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
    const adapters: [string, Uint8Array][] = preview1
      ? [['wasi_snapshot_preview1', await readFile(preview1AdapterReactorPath())]]
      : []
    const component = await componentNew(embedded, adapters)
    return runtime === undefined ? new Uint8Array(component) : addRuntimeSection(component, runtime)
  } catch (error) {
    // jco's tools throw strings as well as errors.
    const message = error instanceof Error ? error.message : String(error)
    throw new AmpouleError('BuildFailed', `the core module does not fit the event world: ${message.split('\n')[0] ?? ''}`, {
      cause: error,
    })
  }
}
