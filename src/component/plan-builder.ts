import { AmpouleError } from '../errors.ts'
import { readCoreInterface } from './core-interface.ts'
import { quote } from './reader.ts'
import { trapModule } from './trap-module.ts'
import type { CoreInterface } from './core-interface.ts'
import type { Meter } from './imports.ts'
import type { SortIndex } from './ast.ts'
import type { CoreInstance, CoreItem, CoreRef } from './contract.ts'
import type { CoreEntity, CoreInstanceValue, Fail, Scope } from './entities.ts'

/** Each may hold memories and is made again for every instance of the function; wit-component makes about forty. */
const MAX_INSTANCES = 1_000

/** Collects the core modules and core instances of a link plan, and checks each link by name, kind and function signature. */
export class PlanBuilder {
  readonly instances: CoreInstance[] = []
  readonly modules: Uint8Array<ArrayBuffer>[] = []
  readonly #sources: readonly Uint8Array<ArrayBuffer>[]
  readonly #used = new Map<number, { index: number; interface: CoreInterface }>()
  readonly #traps = new Map<string, CoreRef>()

  constructor(sources: readonly Uint8Array<ArrayBuffer>[]) {
    this.#sources = sources
  }

  #add(instance: CoreInstance, fail: Fail): number {
    if (this.instances.length >= MAX_INSTANCES) fail(`the component makes more than ${MAX_INSTANCES} core instances`)
    return this.instances.push(instance) - 1
  }

  #module(source: number): { index: number; interface: CoreInterface } {
    const known = this.#used.get(source)
    if (known !== undefined) return known
    const bytes = this.#sources[source] ?? new Uint8Array()
    const used = { index: this.modules.push(bytes) - 1, interface: coreInterface(bytes, source) }
    this.#used.set(source, used)
    return used
  }

  instantiate(scope: Scope, source: number, args: ReadonlyMap<string, number>, meter: Meter, fail: Fail): CoreInstanceValue {
    const module = this.#module(source)
    const instances = new Map<string, CoreInstanceValue>()
    for (const [name, index] of args)
      instances.set(name, scope.coreInstances[index] ?? fail(`there is no core instance ${index}`))
    meter.step(fail, module.interface.imports.length)
    for (const wanted of module.interface.imports) {
      const what = `core module ${source} imports the ${wanted.kind} ${quote(wanted.module)} ${quote(wanted.name)}`
      const from = instances.get(wanted.module) ?? fail(`${what}, but gets no instance of that name`)
      const found = exportOf(from, wanted.name) ?? fail(`${what}, which that instance does not have`)
      if (found.kind !== wanted.kind) fail(`${what}, but gets a ${found.kind}`)
      if (found.kind === 'func' && found.signature !== undefined && found.signature !== wanted.signature) {
        fail(`${what} as ${wanted.signature ?? 'another type'}, but gets ${found.signature}`)
      }
    }
    const plan = this.#add(
      { kind: 'module', module: module.index, args: record([...instances].map(([name, { plan }]) => [name, plan])) },
      fail,
    )
    return { plan, interface: module.interface }
  }

  group(items: ReadonlyMap<string, CoreEntity>, fail: Fail): CoreInstanceValue {
    const plan = this.#add({ kind: 'exports', items: record([...items].map(([name, { item }]) => [name, item])) }, fail)
    return { plan, items }
  }

  coreExport(scope: Scope, index: number, name: string, fail: Fail): CoreEntity {
    const instance = scope.coreInstances[index] ?? fail(`there is no core instance ${index}`)
    return exportOf(instance, name) ?? fail(`core instance ${index} has no export ${quote(name)}`)
  }

  coreEntity(scope: Scope, { sort, index }: SortIndex, fail: Fail): CoreEntity {
    switch (sort) {
      case 'core func':
      case 'core table':
      case 'core memory':
      case 'core global':
      case 'core tag': {
        const kind = KIND_OF[sort]
        return scope.core[kind][index] ?? fail(`there is no ${sort} ${index}`)
      }
      default:
        return fail(`a ${sort} cannot be part of a core instance`)
    }
  }

  /** Whether calling the core function can only trap. */
  alwaysTraps(ref: CoreRef): boolean {
    const instance = this.instances[ref.instance]
    if (instance?.kind !== 'module') return false
    for (const used of this.#used.values()) if (used.index === instance.module) return used.interface.alwaysTraps(ref.name)
    return false
  }

  /** A core function of the given signature that traps, from a module that is added to the plan. */
  trap(signature: string, fail: Fail): CoreItem {
    let ref = this.#traps.get(signature)
    if (ref === undefined) {
      const module = this.modules.push(trapModule(signature)) - 1
      ref = { instance: this.#add({ kind: 'module', module, args: {} }, fail), name: 'trap' }
      this.#traps.set(signature, ref)
    }
    return { kind: 'core', ref }
  }
}

const KIND_OF = {
  'core func': 'func',
  'core table': 'table',
  'core memory': 'memory',
  'core global': 'global',
  'core tag': 'tag',
} as const

function exportOf(instance: CoreInstanceValue, name: string): CoreEntity | undefined {
  if ('items' in instance) return instance.items.get(name)
  const found = instance.interface.exports.get(name)
  if (found === undefined) return undefined
  return {
    kind: found.kind,
    item: { kind: 'core', ref: { instance: instance.plan, name } },
    signature: found.signature,
    memory64: found.memory64,
  }
}

/** Names come from the component: `__proto__` must be a name like any other. */
function record<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(entries)
}

function coreInterface(bytes: Uint8Array<ArrayBuffer>, source: number): CoreInterface {
  if (!WebAssembly.validate(Uint8Array.from(bytes.subarray(0, 8)))) {
    throw new AmpouleError('InvalidModule', `core module ${source} does not begin like a WebAssembly module`)
  }
  try {
    return readCoreInterface(bytes)
  } catch (error) {
    if (!(error instanceof AmpouleError)) throw error
    throw new AmpouleError(error.code, `core module ${source}: ${error.message}`, { cause: error })
  }
}
