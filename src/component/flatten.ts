import type { Flat, FunctionType, Type, ValueType } from './types.ts'
import type { Primitive } from './ast.ts'

/** Canonical ABI: more flat parameters than this go through memory. */
const MAX_FLAT_PARAMS = 16

const isValue = (type: Type): type is ValueType =>
  type.kind !== 'func' && type.kind !== 'instance' && type.kind !== 'resource' && type.kind !== 'component'

export { isValue }

export function flatPrimitive(primitive: Primitive): Flat[] {
  switch (primitive) {
    case 's64':
    case 'u64':
      return ['I']
    case 'f32':
      return ['f']
    case 'f64':
      return ['F']
    case 'string':
      return ['i', 'i']
    default:
      return ['i']
  }
}

/** One after the other; undefined as soon as it is too long to matter, which also bounds what nested types can cost. */
export function flatRecord(fields: readonly (readonly Flat[] | undefined)[]): readonly Flat[] | undefined {
  const flat: Flat[] = []
  for (const field of fields) {
    if (field === undefined || flat.length + field.length > MAX_FLAT_PARAMS) return undefined
    flat.push(...field)
  }
  return flat
}

/** A case number, then the cases over one another. */
export function flatVariant(cases: readonly (readonly Flat[] | undefined)[]): readonly Flat[] | undefined {
  const flat: Flat[] = ['i']
  for (const payload of cases) {
    if (payload === undefined || payload.length >= MAX_FLAT_PARAMS) return undefined
    for (const [i, type] of payload.entries()) {
      const other = flat[i + 1]
      flat[i + 1] =
        other === undefined || other === type
          ? type
          : 'iIfF'.indexOf(other) % 2 === 0 && 'iIfF'.indexOf(type) % 2 === 0
            ? 'i'
            : 'I'
    }
  }
  return flat
}

const flatOf = (type: Type): readonly Flat[] | undefined => (isValue(type) ? type.flat : undefined)

export interface FunctionShape {
  /** Core signature, such as `iiI->i`. */
  readonly signature: string
  /** Whether values cross in linear memory. */
  readonly memory: boolean
  /** Whether the side that receives values has to allocate for them. */
  readonly realloc: boolean
}

/** What core code imports for a function of this type (canonical ABI, `canon lower`). */
export function loweredShape(type: FunctionType): FunctionShape {
  const { params, spilled } = flatParams(type)
  const result = flatResult(type)
  const indirect = result === undefined
  const pointers = type.params.some((param) => isValue(param) && param.pointers) || resultPointers(type)
  return {
    signature: `${params}${indirect ? 'i' : ''}->${result ?? ''}`,
    memory: spilled || indirect || pointers,
    realloc: resultPointers(type),
  }
}

/** What core code exports for a function of this type (canonical ABI, `canon lift`). */
export function liftedShape(type: FunctionType): FunctionShape {
  const { params, spilled } = flatParams(type)
  const result = flatResult(type)
  const paramPointers = type.params.some((param) => isValue(param) && param.pointers)
  return {
    signature: `${params}->${result ?? 'i'}`,
    memory: spilled || result === undefined || paramPointers || resultPointers(type),
    realloc: spilled || paramPointers,
  }
}

function flatParams(type: FunctionType): { params: string; spilled: boolean } {
  const flat = flatRecord(type.params.map(flatOf))
  return flat === undefined ? { params: 'i', spilled: true } : { params: flat.join(''), spilled: false }
}

/** '' for none, one letter, or undefined when it takes more than one value. */
function flatResult(type: FunctionType): string | undefined {
  if (type.result === undefined) return ''
  const flat = flatOf(type.result)
  return flat !== undefined && flat.length <= 1 ? flat.join('') : undefined
}

function resultPointers(type: FunctionType): boolean {
  return type.result !== undefined && isValue(type.result) && type.result.pointers
}
