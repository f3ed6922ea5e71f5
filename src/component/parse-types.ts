import { quote } from './reader.ts'
import type { Reader } from './reader.ts'
import type { AliasTarget, AnySort, CoreSort, Declaration, ExternDesc, Primitive, Sort, TypeDef, ValTypeRef } from './ast.ts'

const PRIMITIVES: Readonly<Record<number, Primitive>> = {
  0x7f: 'bool',
  0x7e: 's8',
  0x7d: 'u8',
  0x7c: 's16',
  0x7b: 'u16',
  0x7a: 's32',
  0x79: 'u32',
  0x78: 's64',
  0x77: 'u64',
  0x76: 'f32',
  0x75: 'f64',
  0x74: 'char',
  0x73: 'string',
  0x64: 'error-context',
}

const CORE_SORTS: Readonly<Record<number, CoreSort>> = {
  0x00: 'func',
  0x01: 'table',
  0x02: 'memory',
  0x03: 'global',
  0x04: 'tag',
  0x10: 'type',
  0x11: 'module',
  0x12: 'instance',
}

const SORTS: Readonly<Record<number, Sort>> = { 0x01: 'func', 0x02: 'value', 0x03: 'type', 0x04: 'component', 0x05: 'instance' }

/** Types inside types: real ones nest two deep (a component's instance type); hostile ones must not use up the stack. */
const MAX_TYPE_DEPTH = 32

export function coreSort(reader: Reader): CoreSort {
  const at = reader.at
  const byte = reader.byte()
  return CORE_SORTS[byte] ?? reader.fail(`unknown core sort 0x${byte.toString(16)}`, at)
}

export function anySort(reader: Reader): AnySort {
  const at = reader.at
  const byte = reader.byte()
  if (byte === 0x00) return `core ${coreSort(reader)}`
  return SORTS[byte] ?? reader.fail(`unknown sort 0x${byte.toString(16)}`, at)
}

/** `importname'` and `exportname'`: both spellings of a plain name. */
export function externName(reader: Reader): string {
  const at = reader.at
  const form = reader.byte()
  if (form > 0x01) reader.fail(`unsupported form 0x${form.toString(16)} of an import or export name`, at)
  return reader.name()
}

export function externDesc(reader: Reader): ExternDesc {
  const at = reader.at
  const form = reader.byte()
  switch (form) {
    case 0x00:
      reader.expect(0x11, 'core module')
      return { kind: 'core module', type: reader.u32() }
    case 0x01:
      return { kind: 'func', type: reader.u32() }
    case 0x02: {
      if (reader.byte() === 0x00) reader.u32()
      else valType(reader)
      return { kind: 'value' }
    }
    case 0x03: {
      const bound = reader.byte()
      if (bound === 0x00) return { kind: 'type', equals: reader.u32() }
      if (bound === 0x01) return { kind: 'type', equals: undefined }
      return reader.fail(`unknown type bound 0x${bound.toString(16)}`, at)
    }
    case 0x04:
      return { kind: 'component', type: reader.u32() }
    case 0x05:
      return { kind: 'instance', type: reader.u32() }
    default:
      return reader.fail(`unknown kind 0x${form.toString(16)} of an import or export`, at)
  }
}

export function alias(reader: Reader): { readonly sort: AnySort; readonly target: AliasTarget } {
  const sort = anySort(reader)
  const at = reader.at
  const form = reader.byte()
  switch (form) {
    case 0x00:
      return { sort, target: { kind: 'export', instance: reader.u32(), name: reader.name() } }
    case 0x01:
      return { sort, target: { kind: 'core export', instance: reader.u32(), name: reader.name() } }
    case 0x02:
      return { sort, target: { kind: 'outer', depth: reader.u32(), index: reader.u32() } }
    default:
      return reader.fail(`unknown alias target 0x${form.toString(16)}`, at)
  }
}

function valType(reader: Reader): ValTypeRef {
  const at = reader.at
  const value = reader.s33()
  if (value >= 0) return value
  return PRIMITIVES[value + 0x80] ?? reader.fail(`unknown value type ${value}`, at)
}

function optional<T>(reader: Reader, read: () => T): T | undefined {
  const at = reader.at
  const flag = reader.byte()
  if (flag > 1) reader.fail(`expected 0 or 1 (optional), found ${flag}`, at)
  return flag === 1 ? read() : undefined
}

function functionType(reader: Reader, async: boolean): TypeDef {
  const params = reader.vector(() => {
    reader.name()
    return valType(reader)
  }, 2)
  const at = reader.at
  const form = reader.byte()
  if (form === 0x00) return { kind: 'func', params, result: valType(reader), async }
  if (form !== 0x01 || reader.byte() !== 0x00) reader.fail('functions with several named results are not supported', at)
  return { kind: 'func', params, result: undefined, async }
}

/** One `deftype`. `depth` counts the component and instance types around it. */
export function typeDef(reader: Reader, depth = 0): TypeDef {
  if (depth > MAX_TYPE_DEPTH) reader.fail(`types are nested more than ${MAX_TYPE_DEPTH} deep`)
  const at = reader.at
  const form = reader.byte()
  switch (form) {
    case 0x40:
      return functionType(reader, false)
    case 0x43:
      return functionType(reader, true)
    case 0x41:
      declarations(reader, depth, true)
      return { kind: 'component' }
    case 0x42:
      return { kind: 'instance', declarations: declarations(reader, depth, false) }
    case 0x3f:
    case 0x3e:
      reader.expect(0x7f, 'i32 representation of a resource')
      optional(reader, () => reader.u32())
      if (form === 0x3e) optional(reader, () => reader.u32())
      return { kind: 'resource' }
    case 0x72: {
      const fields = reader.vector(() => {
        reader.name()
        return valType(reader)
      }, 2)
      return { kind: 'record', fields }
    }
    case 0x71: {
      const cases = reader.vector(() => {
        reader.name()
        const payload = optional(reader, () => valType(reader))
        optional(reader, () => reader.u32())
        return payload
      }, 3)
      return { kind: 'variant', cases }
    }
    case 0x70:
      return { kind: 'list', element: valType(reader) }
    case 0x67:
      return { kind: 'fixed-list', element: valType(reader), length: reader.u32() }
    case 0x6f:
      return { kind: 'record', fields: reader.vector(() => valType(reader)) }
    case 0x6e:
      return { kind: 'flags', count: reader.vector(() => reader.name()).length }
    case 0x6d:
      return { kind: 'enum', count: reader.vector(() => reader.name()).length }
    case 0x6b:
      return { kind: 'option', some: valType(reader) }
    case 0x6a:
      return { kind: 'result', ok: optional(reader, () => valType(reader)), error: optional(reader, () => valType(reader)) }
    case 0x69:
      return { kind: 'own', resource: reader.u32() }
    case 0x68:
      return { kind: 'borrow', resource: reader.u32() }
    case 0x66:
    case 0x65:
      optional(reader, () => valType(reader))
      return { kind: 'async', what: form === 0x66 ? 'stream' : 'future' }
    default: {
      const primitive = PRIMITIVES[form]
      if (primitive !== undefined) return { kind: 'primitive', primitive }
      return reader.fail(`unknown type 0x${form.toString(16)}`, at)
    }
  }
}

function declarations(reader: Reader, depth: number, inComponent: boolean): Declaration[] {
  const result: Declaration[] = []
  const count = reader.count()
  for (let i = 0; i < count; i++) {
    const at = reader.at
    const form = reader.byte()
    if (form === 0x01) result.push({ kind: 'type', type: typeDef(reader, depth + 1) })
    else if (form === 0x02) result.push({ kind: 'alias', ...alias(reader) })
    else if (form === 0x03 && inComponent) {
      // Component types describe components passed as arguments, which the evaluation refuses: their imports are only walked over.
      externName(reader)
      externDesc(reader)
    } else if (form === 0x04) {
      const name = externName(reader)
      const desc = externDesc(reader)
      if (desc.kind !== 'func' && desc.kind !== 'type' && desc.kind !== 'instance' && !inComponent) {
        reader.fail(`export ${quote(name)} of an instance type is a ${desc.kind}, which is not supported`, at)
      }
      result.push({ kind: 'export', name, desc })
    } else reader.fail(`unknown declaration 0x${form.toString(16)} in a type`, at)
  }
  return result
}
