import { quote } from './reader.ts'
import { resolveType, typeAt, typeSize } from './resolve-type.ts'
import type { AliasTarget, AnySort, ExternDesc } from './ast.ts'
import type { Entity, Fail } from './entities.ts'
import type { InstanceType, Type, TypeScope } from './types.ts'

interface InterfaceName {
  /** Without version, e.g. `wasi:io/streams`. */
  readonly interface: string
  readonly version: string | undefined
}

function parseInterfaceName(name: string): InterfaceName {
  const at = name.lastIndexOf('@')
  return at > 0 ? { interface: name.slice(0, at), version: name.slice(at + 1) } : { interface: name, version: undefined }
}

export interface Meter {
  /** Counts work; fails when a hostile component would make it explode. */
  step(fail: Fail, count?: number): void
}

/** What the host stands for when the outermost component imports `name`. */
export function importEntity(name: string, desc: ExternDesc, scope: TypeScope, meter: Meter, fail: Fail): Entity {
  switch (desc.kind) {
    case 'instance': {
      const type = typeAt(desc.type, scope, fail)
      if (type.kind !== 'instance') return fail(`the import ${quote(name)} is not of an instance type`)
      return { sort: 'instance', exports: importInstance(parseInterfaceName(name), type, meter, fail) }
    }
    case 'func': {
      const type = typeAt(desc.type, scope, fail)
      if (type.kind !== 'func') return fail(`the import ${quote(name)} is not of a function type`)
      return { sort: 'func', func: { kind: 'imported', interface: '', version: undefined, name, type } }
    }
    case 'type':
      if (desc.equals !== undefined) return { sort: 'type', type: typeAt(desc.equals, scope, fail) }
      return { sort: 'type', type: { kind: 'resource', resource: { interface: '', version: undefined, name } } }
    case 'core module':
    case 'component':
    case 'value':
      return fail(`the component imports the ${desc.kind} ${quote(name)}: only functions, interfaces and types can be imported`)
    default:
      return desc satisfies never
  }
}

/** Evaluates an instance type for one import: its resources are that import's. */
function importInstance(from: InterfaceName, type: InstanceType, meter: Meter, fail: Fail): ReadonlyMap<string, Entity> {
  const scope: TypeScope = { types: [], parent: type.scope }
  const exports = new Map<string, Entity>()
  for (const declaration of type.declarations) {
    meter.step(fail, declaration.kind === 'type' ? typeSize(declaration.type) : 1)
    switch (declaration.kind) {
      case 'type':
        scope.types.push(resolveType(declaration.type, scope, fail))
        break
      case 'alias':
        scope.types.push(outerType(declaration.sort, declaration.target, scope, fail))
        break
      case 'export': {
        const { name, desc } = declaration
        if (desc.kind === 'type') {
          const exported: Type =
            desc.equals === undefined ? { kind: 'resource', resource: { ...from, name } } : typeAt(desc.equals, scope, fail)
          scope.types.push(exported)
          exports.set(name, { sort: 'type', type: exported })
        } else if (desc.kind === 'func') {
          const exported = typeAt(desc.type, scope, fail)
          if (exported.kind !== 'func') return fail(`${quote(name)} of ${quote(from.interface)} is not of a function type`)
          exports.set(name, { sort: 'func', func: { kind: 'imported', ...from, name, type: exported } })
        } else return fail(`the interface ${quote(from.interface)} holds the ${desc.kind} ${quote(name)}, which is not supported`)
        break
      }
      default:
        declaration satisfies never
    }
  }
  return exports
}

function outerType(sort: AnySort, target: AliasTarget, scope: TypeScope, fail: Fail): Type {
  if (sort !== 'type' || target.kind !== 'outer') return fail('an instance type holds an alias that is not to an outer type')
  let outer: TypeScope | undefined = scope
  for (let depth = target.depth; depth > 0 && outer !== undefined; depth--) outer = outer.parent
  return outer === undefined
    ? fail(`an alias points ${target.depth} components out, where there is none`)
    : typeAt(target.index, outer, fail)
}
