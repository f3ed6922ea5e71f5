import { invalid, type Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * A value or storage type as one number. Numbers and packed types are their byte; references are
 * `REF + (heap + 64) * 2 + nullable`, where `heap` is a type index or the negative code of an abstract heap type.
 */
export type ValueType = number

export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
const REF = 0x1000

const ABSTRACT_HEAPS: ReadonlyMap<number, string> = new Map([
  [-12, 'noexn'],
  [-13, 'nofunc'],
  [-14, 'noextern'],
  [-15, 'none'],
  [-16, 'func'],
  [-17, 'extern'],
  [-18, 'any'],
  [-19, 'eq'],
  [-20, 'i31'],
  [-21, 'struct'],
  [-22, 'array'],
  [-23, 'exn'],
])
const SIMPLE: ReadonlyMap<number, string> = new Map([
  [I32, 'i32'],
  [I64, 'i64'],
  [F32, 'f32'],
  [F64, 'f64'],
  [V128, 'v128'],
  [0x78, 'i8'],
  [0x77, 'i16'],
])

export const FUNC_HEAP = -16
export const refType = (heap: number, nullable: boolean): ValueType => REF + (heap + 64) * 2 + (nullable ? 1 : 0)
export const isReference = (type: ValueType): boolean => type >= REF
export const heapOf = (type: ValueType): number => Math.floor((type - REF) / 2) - 64
export const isNullable = (type: ValueType): boolean => type < REF || (type & 1) === 1
export const asNullable = (type: ValueType): ValueType => (type < REF ? type : type | 1)
export const FUNCREF = refType(FUNC_HEAP, true)

/** The type that a field of storage type `type` has on the stack. */
export const unpacked = (type: ValueType): ValueType => (type === 0x78 || type === 0x77 ? I32 : type)

export function readHeapType(reader: Reader): number {
  const start = reader.pos
  const heap = reader.s33()
  if (heap < 0 && !ABSTRACT_HEAPS.has(heap)) invalid(`unsupported heap type ${heap}`, start)
  if (heap > reader.largestType) reader.largestType = heap
  return heap
}

export function readValueType(reader: Reader, packed = false): ValueType {
  const start = reader.pos
  const byte = reader.byte()
  if (byte === 0x64 || byte === 0x63) return refType(readHeapType(reader), byte === 0x63)
  if (ABSTRACT_HEAPS.has(byte - 128)) return refType(byte - 128, true)
  if (SIMPLE.has(byte) && (packed || (byte !== 0x78 && byte !== 0x77))) return byte
  return invalid(`unsupported value type 0x${byte.toString(16)}`, start)
}

export function writeHeapType(writer: Writer, heap: number): void {
  writer.signed(heap)
}

export function writeValueType(writer: Writer, type: ValueType): void {
  if (type < REF) return writer.byte(type)
  const heap = heapOf(type)
  if (heap < 0 && isNullable(type)) return writer.byte(heap + 128)
  writer.byte(isNullable(type) ? 0x63 : 0x64)
  writeHeapType(writer, heap)
}

/** Text form, as in the text format of the specification. */
export function typeName(type: ValueType): string {
  const simple = SIMPLE.get(type)
  if (simple !== undefined) return simple
  const heap = heapOf(type)
  const name = ABSTRACT_HEAPS.get(heap) ?? String(heap)
  if (!isNullable(type)) return `(ref ${name})`
  if (heap >= 0) return `(ref null ${name})`
  return name.startsWith('no') ? `null${name === 'none' ? '' : name.slice(2)}ref` : `${name}ref`
}

export interface FuncType {
  readonly kind: 'func'
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
}
export interface ArrayType {
  readonly kind: 'array'
  readonly element: ValueType
}
export type DefinedType = FuncType | ArrayType | { readonly kind: 'struct' }

/** Types flattened out of their recursion groups, in index order. */
export function readTypes(reader: Reader): DefinedType[] {
  const types: DefinedType[] = []
  const groups = reader.count(2)
  for (let i = 0; i < groups; i++) {
    if (reader.bytes[reader.pos] === 0x4e) {
      reader.pos++
      const members = reader.count(2)
      for (let j = 0; j < members; j++) types.push(readSubType(reader))
    } else types.push(readSubType(reader))
  }
  return types
}

function readSubType(reader: Reader): DefinedType {
  const first = reader.bytes[reader.pos]
  if (first === 0x50 || first === 0x4f) {
    reader.pos++
    const supertypes = reader.count()
    for (let i = 0; i < supertypes; i++) reader.largestType = Math.max(reader.largestType, reader.u32())
  }
  const start = reader.pos
  const form = reader.byte()
  switch (form) {
    case 0x60:
      return { kind: 'func', params: readValueTypes(reader), results: readValueTypes(reader) }
    case 0x5f: {
      const fields = reader.count(2)
      for (let i = 0; i < fields; i++) readField(reader)
      return { kind: 'struct' }
    }
    case 0x5e:
      return { kind: 'array', element: readField(reader) }
    default:
      return invalid(`unsupported type form 0x${form.toString(16)}`, start)
  }
}

function readValueTypes(reader: Reader): ValueType[] {
  const count = reader.count()
  const types: ValueType[] = []
  for (let i = 0; i < count; i++) types.push(readValueType(reader))
  return types
}

function readField(reader: Reader): ValueType {
  const type = readValueType(reader, true)
  if (reader.byte() > 1) invalid('malformed mutability', reader.pos - 1)
  return type
}
