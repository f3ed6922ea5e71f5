import { componentEmbed, componentNew } from '@bytecodealliance/jco'
import { readFile } from 'node:fs/promises'
import { addRuntimeSection, type Runtime } from '../component/runtime-section.ts'
import { AmpouleError } from '../errors.ts'

const EVENT_WORLD = new URL('../../guest-sdk/wit/world.wit', import.meta.url)

/**
 * A component of the event world from a core module that exports `handle`, `cabi_realloc` and `memory` as guest-sdk/c/ampoule.h
 * does. `runtime` is written into the component where the module answers `warm` events. Rejects with `BuildFailed` when the module
 * does not fit the world.
 */
export async function componentizeCore(core: Uint8Array, runtime?: Runtime): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const embedded = await componentEmbed({ binary: core, witSource: await readFile(EVENT_WORLD, 'utf8'), world: 'event' })
    const component = await componentNew(embedded, [])
    return runtime === undefined ? new Uint8Array(component) : addRuntimeSection(component, runtime)
  } catch (error) {
    // jco's tools throw strings as well as errors.
    const message = error instanceof Error ? error.message : String(error)
    throw new AmpouleError('BuildFailed', `the core module does not fit the event world: ${message.split('\n')[0] ?? ''}`, {
      cause: error,
    })
  }
}
