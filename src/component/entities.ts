import type { CoreItem, CoreRef, HostImport } from './contract.ts'
import type { CoreInterface } from './core-interface.ts'
import type { AnySort, ComponentNode } from './ast.ts'
import type { FunctionType, Type, TypeScope } from './types.ts'

/** What the index spaces hold while a component is evaluated (see evaluate.ts). */

/** A function that the host provides. */
interface ImportedFunction {
  readonly kind: 'imported'
  readonly interface: string
  readonly version: string | undefined
  readonly name: string
  readonly type: FunctionType
}

/** A core function behind a component function type. */
export interface LiftedFunction {
  readonly kind: 'lifted'
  readonly type: FunctionType
  readonly func: CoreRef
  readonly memory: CoreRef | undefined
  readonly realloc: CoreRef | undefined
  readonly postReturn: CoreRef | undefined
  /** Why it cannot be called, if it cannot: only those that are used are refused. */
  readonly refused: string | undefined
}

type ComponentFunction = ImportedFunction | LiftedFunction

export type Entity =
  | { readonly sort: 'func'; readonly func: ComponentFunction }
  | { readonly sort: 'type'; readonly type: Type }
  | { readonly sort: 'instance'; readonly exports: ReadonlyMap<string, Entity> }
  | { readonly sort: 'component'; readonly component: ComponentValue }
  | { readonly sort: 'core module'; readonly module: number }

export interface ComponentValue {
  readonly node: ComponentNode
  /** Where it was defined: its outer aliases point there. */
  readonly parent: Scope | undefined
}

/** A core instance: `interface` where it is made from a module, `items` where it only groups. */
export type CoreInstanceValue =
  | { readonly plan: number; readonly interface: CoreInterface }
  | { readonly plan: number; readonly items: ReadonlyMap<string, CoreEntity> }

export interface CoreEntity {
  readonly kind: 'func' | 'table' | 'memory' | 'global' | 'tag'
  readonly item: CoreItem
  /** Of functions, where known. */
  readonly signature: string | undefined
  readonly memory64: boolean
}

/** The index spaces of one component under evaluation. */
export interface Scope extends TypeScope {
  readonly parent: Scope | undefined
  readonly funcs: ComponentFunction[]
  readonly instances: ReadonlyMap<string, Entity>[]
  readonly components: ComponentValue[]
  readonly coreModules: number[]
  readonly coreInstances: CoreInstanceValue[]
  readonly core: Readonly<Record<CoreEntity['kind'], CoreEntity[]>>
}

export function newScope(parent: Scope | undefined): Scope {
  return {
    parent,
    types: [],
    funcs: [],
    instances: [],
    components: [],
    coreModules: [],
    coreInstances: [],
    core: { func: [], table: [], memory: [], global: [], tag: [] },
  }
}

export type Fail = (what: string) => never

export function lookUp(scope: Scope, sort: AnySort, index: number, fail: Fail): Entity {
  const missing = (): never => fail(`there is no ${sort} ${index}`)
  switch (sort) {
    case 'func':
      return { sort, func: scope.funcs[index] ?? missing() }
    case 'type':
      return { sort, type: scope.types[index] ?? missing() }
    case 'instance':
      return { sort, exports: scope.instances[index] ?? missing() }
    case 'component':
      return { sort, component: scope.components[index] ?? missing() }
    case 'core module':
      return { sort, module: scope.coreModules[index] ?? missing() }
    default:
      return fail(`a ${sort} cannot be imported or exported here`)
  }
}

/** Gives the entity the next index of its sort. */
export function define(scope: Scope, entity: Entity): void {
  switch (entity.sort) {
    case 'func':
      scope.funcs.push(entity.func)
      return
    case 'type':
      scope.types.push(entity.type)
      return
    case 'instance':
      scope.instances.push(entity.exports)
      return
    case 'component':
      scope.components.push(entity.component)
      return
    case 'core module':
      scope.coreModules.push(entity.module)
      return
    default:
      entity satisfies never
  }
}

/** What a host import is called in messages. */
export function describeImport(item: HostImport): string {
  const version = item.version === undefined ? '' : `@${item.version}`
  const name = item.kind === 'lower' ? item.name : `[resource-drop]${item.resource}`
  return item.interface === '' ? name : `${item.interface}${version}#${name}`
}
