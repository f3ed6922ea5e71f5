import { flatPrimitive, flatRecord, flatVariant, isValue } from './flatten.ts'
import type { TypeDef, ValTypeRef } from './ast.ts'
import type { Flat, Type, TypeScope, ValueType } from './types.ts'

export type Fail = (what: string) => never

/** A written type with its indices resolved in `scope`. Types only refer to earlier ones, so nothing here recurses. */
export function resolveType(definition: TypeDef, scope: TypeScope, fail: Fail): Type {
  const at = (reference: ValTypeRef): ValueType => {
    if (typeof reference === 'string') {
      return { kind: 'primitive', primitive: reference, flat: flatPrimitive(reference), pointers: reference === 'string' }
    }
    const type = typeAt(reference, scope, fail)
    return isValue(type) ? type : fail(`type ${reference} is not a value type`)
  }
  const optional = (reference: ValTypeRef | undefined): ValueType | undefined =>
    reference === undefined ? undefined : at(reference)

  switch (definition.kind) {
    case 'primitive':
      return at(definition.primitive)
    case 'record': {
      const fields = definition.fields.map(at)
      return { kind: 'record', fields, flat: flatRecord(flats(fields)), pointers: pointers(fields) }
    }
    case 'variant': {
      const cases = definition.cases.map(optional)
      return { kind: 'other', flat: flatVariant(flats(cases)), pointers: pointers(cases) }
    }
    case 'option': {
      const some = at(definition.some)
      return { kind: 'other', flat: flatVariant([some.flat]), pointers: some.pointers }
    }
    case 'result': {
      const ok = optional(definition.ok)
      const error = optional(definition.error)
      return { kind: 'result', ok, error, flat: flatVariant(flats([ok, error])), pointers: pointers([ok, error]) }
    }
    case 'list':
      return { kind: 'list', element: at(definition.element), flat: ['i', 'i'], pointers: true }
    case 'fixed-list': {
      const element = at(definition.element)
      // More than 17 elements of at least one value are too long whatever they are; empty elements stay empty.
      const elements = Array.from({ length: Math.min(definition.length, 17) }, () => element.flat)
      return { kind: 'other', flat: flatRecord(elements), pointers: element.pointers }
    }
    case 'flags':
      return { kind: 'other', flat: definition.count === 0 ? [] : ['i'], pointers: false }
    case 'enum':
      return { kind: 'other', flat: ['i'], pointers: false }
    case 'own':
    case 'borrow': {
      const type = typeAt(definition.resource, scope, fail)
      if (type.kind !== 'resource') return fail(`type ${definition.resource} is not a resource`)
      if (type.resource === undefined) return fail('resources that the component defines itself are not supported')
      return { kind: definition.kind, resource: type.resource, flat: ['i'], pointers: false }
    }
    case 'async':
      return fail(`the type ${definition.what} (async) is not supported`)
    case 'func': {
      const params = definition.params.map(at)
      return { kind: 'func', params, result: optional(definition.result), async: definition.async }
    }
    case 'instance':
      return { kind: 'instance', declarations: definition.declarations, scope }
    case 'component':
      return { kind: 'component' }
    case 'resource':
      return { kind: 'resource', resource: undefined }
    default:
      return definition satisfies never
  }
}

function flats(types: readonly (ValueType | undefined)[]): (readonly Flat[] | undefined)[] {
  return types.map((type) => (type === undefined ? [] : type.flat))
}

function pointers(types: readonly (ValueType | undefined)[]): boolean {
  return types.some((type) => type?.pointers === true)
}

export function typeAt(index: number, scope: TypeScope, fail: Fail): Type {
  return scope.types[index] ?? fail(`there is no type ${index}`)
}

/** How much work `resolveType` is: types inside instance types are resolved for every import of that type. */
export function typeSize(definition: TypeDef): number {
  switch (definition.kind) {
    case 'record':
      return 1 + definition.fields.length
    case 'variant':
      return 1 + definition.cases.length
    case 'func':
      return 1 + definition.params.length
    default:
      return 1
  }
}
