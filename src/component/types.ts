import type { Declaration } from './ast.ts'

/** Core value types of the canonical ABI's flattening, one letter each so that signatures compare as strings. */
export type Flat = 'i' | 'I' | 'f' | 'F'

/** Where a resource comes from: an import of the component. */
interface Resource {
  readonly interface: string
  readonly version: string | undefined
  readonly name: string
}

export interface FunctionType {
  readonly kind: 'func'
  readonly params: readonly Type[]
  readonly result: Type | undefined
  readonly async: boolean
}

/** A type with its references resolved. `flat` is undefined where it is longer than any function may take. */
interface Value<Kind extends string> {
  readonly kind: Kind
  readonly flat: readonly Flat[] | undefined
  /** Holds a string or a list, so values cross in memory that somebody allocates. */
  readonly pointers: boolean
}

interface ListType extends Value<'list'> {
  readonly element: Type
}

interface ResultType extends Value<'result'> {
  readonly ok: Type | undefined
  readonly error: Type | undefined
}

/** Also a tuple, which is the same at the canonical ABI's level. */
interface RecordType extends Value<'record'> {
  readonly fields: readonly Type[]
}

interface HandleType extends Value<'own' | 'borrow'> {
  readonly resource: Resource
}

interface PrimitiveType extends Value<'primitive'> {
  readonly primitive: string
}

export type ValueType = PrimitiveType | ListType | RecordType | ResultType | HandleType | Value<'other'>

/** Made anew for each import, because its resources belong to the import. */
export interface InstanceType {
  readonly kind: 'instance'
  readonly declarations: readonly Declaration[]
  readonly scope: TypeScope
}

export type Type =
  | ValueType
  | FunctionType
  | InstanceType
  | { readonly kind: 'resource'; readonly resource: Resource | undefined }
  | { readonly kind: 'component' }

export interface TypeScope {
  readonly types: Type[]
  readonly parent: TypeScope | undefined
}
