import type { HostImport } from '../component/contract.ts'
import { cliInterfaces } from './cli.ts'
import { clocksInterfaces } from './clocks.ts'
import { filesystemInterfaces } from './filesystem/interfaces.ts'
import type { Kind, Resource } from './handles.ts'
import { httpInterfaces } from './http/interfaces.ts'
import type { HostFunction, HostInterface } from './interface.ts'
import { ioInterfaces } from './io/interfaces.ts'
import { randomInterfaces } from './random.ts'
import { socketsInterfaces } from './sockets.ts'

/** Everything that components may import, by interface. */
const INTERFACES: ReadonlyMap<string, HostInterface> = new Map(
  Object.entries({
    ...ioInterfaces,
    ...clocksInterfaces,
    ...randomInterfaces,
    ...cliInterfaces,
    ...filesystemInterfaces,
    ...httpInterfaces,
    ...socketsInterfaces,
  }),
)

/** Names that interfaces give to resources of others (`use … as`, type aliases). */
const RENAMED: Readonly<Record<string, string>> = { 'io-error': 'error', headers: 'fields', trailers: 'fields' }

/** A resource may be dropped through any interface that uses it, so all are found by name; names are unique among the packages. */
const RESOURCES: ReadonlyMap<string, Kind<Resource>> = new Map(
  [...INTERFACES.values()].flatMap(({ resources }) => Object.entries(resources)),
)

/** The ABI did not change between the releases of 0.2; release candidates are something else. */
const VERSION = /^0\.2\.\d+$/

function findInterface(item: HostImport): HostInterface | undefined {
  return item.version !== undefined && VERSION.test(item.version) ? INTERFACES.get(item.interface) : undefined
}

export function findFunction(item: HostImport & { readonly kind: 'lower' }): HostFunction | undefined {
  const functions = findInterface(item)?.functions
  return functions !== undefined && Object.hasOwn(functions, item.name) ? functions[item.name] : undefined
}

export function findResource(item: HostImport & { readonly kind: 'resource.drop' }): Kind<Resource> | undefined {
  if (findInterface(item) === undefined) return undefined
  const name = Object.hasOwn(RENAMED, item.resource) ? RENAMED[item.resource] : item.resource
  return name === undefined ? undefined : RESOURCES.get(name)
}
