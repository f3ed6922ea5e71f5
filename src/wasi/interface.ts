import type { Kind, Resource } from './handles.ts'
import type { Host } from './host.ts'
import type { GuestMemory } from './memory.ts'
import { trap } from './trap.ts'

export type CoreResult = number | bigint | undefined
/** A host function with core parameters; its `length` is the number of them. */
export type CoreFunction = (...args: never[]) => CoreResult | void | Promise<CoreResult | void>

export interface HostFunction {
  readonly suspending: boolean
  make(host: Host, memory: GuestMemory): CoreFunction
}

/** One WIT interface: `isSupported` and `lower` both read it. */
export interface HostInterface {
  readonly functions: Readonly<Record<string, HostFunction>>
  readonly resources: Readonly<Record<string, Kind<Resource>>>
}

/** A function that never waits. */
export function plain(make: (host: Host, memory: GuestMemory) => (...args: never[]) => CoreResult | void): HostFunction {
  return { suspending: false, make }
}

/** A function that gives a promise when it has to wait. */
export function suspending(make: (host: Host, memory: GuestMemory) => CoreFunction): HostFunction {
  return { suspending: true, make }
}

/** A method of a resource that nobody can get hold of here, because what would create it is denied. */
function unreachable(kind: Kind<Resource>): HostFunction {
  return plain((host) => (self: number) => {
    host.table.get(self, kind)
    return trap(`${kind.name} cannot exist here`)
  })
}

/** Methods that are all unreachable. */
export function unreachableMethods(kind: Kind<Resource>, names: readonly string[]): Record<string, HostFunction> {
  return Object.fromEntries(names.map((name) => [`[method]${kind.name}.${name}`, unreachable(kind)]))
}
