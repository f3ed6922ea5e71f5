import { AmpouleError } from '../errors.ts'
import type { ArtifactMeta, EventForm } from './contract.ts'

export type Runtime = NonNullable<ArtifactMeta['runtime']>

const SECTION = 'ampoule'
/** The section is four short values; anything bigger is not ours. */
const MAX_BYTES = 4_096

/**
 * The component with a custom section that says which runtime it was built with (`meta.runtime` of its artifact). The section is
 * appended; a component must not have it yet.
 */
export function addRuntimeSection(component: Uint8Array, runtime: Runtime): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const name = encoder.encode(SECTION)
  const { name: runtimeName, version, warm, events } = runtime
  // What is the default is not written: a component says only what is special about it.
  const content = encoder.encode(JSON.stringify({ name: runtimeName, version, warm, ...(events === 'json' && { events }) }))
  const size = 1 + name.length + content.length
  if (size > MAX_BYTES) throw new AmpouleError('Internal', `the runtime section is ${size} bytes, the limit is ${MAX_BYTES}`)
  const header = [0, (size & 0x7f) | 0x80, size >> 7, name.length]
  const result = new Uint8Array(component.length + header.length + name.length + content.length)
  result.set(component)
  result.set(header, component.length)
  result.set(name, component.length + header.length)
  result.set(content, component.length + header.length + name.length)
  return result
}

/** Reads the section; undefined when there is none. Throws `InvalidComponent` when it is not what `addRuntimeSection` writes. */
export function readRuntimeSection(
  custom: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Runtime | undefined {
  const sections = custom.filter(({ name }) => name === SECTION)
  const [section] = sections
  if (section === undefined) return undefined
  if (sections.length > 1) throw invalid('there is more than one')
  if (section.bytes.length > MAX_BYTES) throw invalid(`it has ${section.bytes.length} bytes, the limit is ${MAX_BYTES}`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(section.bytes))
  } catch {
    throw invalid('it is not JSON')
  }
  if (!isRuntime(value))
    throw invalid('it must be {"name": string, "version": string, "warm": boolean, "events"?: "json" | "msgpack"}')
  return { name: value.name, version: value.version, warm: value.warm, events: value.events ?? 'msgpack' }
}

function isRuntime(value: unknown): value is Omit<Runtime, 'events'> & { readonly events?: EventForm } {
  if (typeof value !== 'object' || value === null) return false
  return (
    'name' in value &&
    typeof value.name === 'string' &&
    'version' in value &&
    typeof value.version === 'string' &&
    'warm' in value &&
    typeof value.warm === 'boolean' &&
    (!('events' in value) || value.events === 'json' || value.events === 'msgpack')
  )
}

function invalid(why: string): AmpouleError {
  return new AmpouleError('InvalidComponent', `the custom section "${SECTION}" is not valid: ${why}`)
}
