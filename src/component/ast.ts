/** The definitions of a component as written (component-model Binary.md), before index spaces are resolved. */

export type CoreSort = 'func' | 'table' | 'memory' | 'global' | 'tag' | 'type' | 'module' | 'instance'
export type Sort = 'func' | 'value' | 'type' | 'component' | 'instance'
/** `core` sorts are prefixed where both can occur. */
export type AnySort = Sort | `core ${CoreSort}`

export interface SortIndex {
  readonly sort: AnySort
  readonly index: number
}

export type Primitive =
  'bool' | 's8' | 'u8' | 's16' | 'u16' | 's32' | 'u32' | 's64' | 'u64' | 'f32' | 'f64' | 'char' | 'string' | 'error-context'

/** A type index or a primitive. */
export type ValTypeRef = number | Primitive

export type TypeDef =
  | { readonly kind: 'primitive'; readonly primitive: Primitive }
  | { readonly kind: 'record'; readonly fields: readonly ValTypeRef[] }
  | { readonly kind: 'variant'; readonly cases: readonly (ValTypeRef | undefined)[] }
  | { readonly kind: 'list'; readonly element: ValTypeRef }
  | { readonly kind: 'fixed-list'; readonly element: ValTypeRef; readonly length: number }
  | { readonly kind: 'flags'; readonly count: number }
  | { readonly kind: 'enum'; readonly count: number }
  | { readonly kind: 'option'; readonly some: ValTypeRef }
  | { readonly kind: 'result'; readonly ok: ValTypeRef | undefined; readonly error: ValTypeRef | undefined }
  | { readonly kind: 'own' | 'borrow'; readonly resource: number }
  | { readonly kind: 'async'; readonly what: string }
  | {
      readonly kind: 'func'
      readonly params: readonly ValTypeRef[]
      readonly result: ValTypeRef | undefined
      readonly async: boolean
    }
  | { readonly kind: 'component' }
  | { readonly kind: 'instance'; readonly declarations: readonly Declaration[] }
  | { readonly kind: 'resource' }

/** What an import or export is said to be. */
export type ExternDesc =
  | { readonly kind: 'core module' | 'func' | 'component' | 'instance'; readonly type: number }
  | { readonly kind: 'value' }
  | { readonly kind: 'type'; readonly equals: number | undefined }

export type AliasTarget =
  | { readonly kind: 'export'; readonly instance: number; readonly name: string }
  | { readonly kind: 'core export'; readonly instance: number; readonly name: string }
  | { readonly kind: 'outer'; readonly depth: number; readonly index: number }

/** Inside an instance type. */
export type Declaration =
  | { readonly kind: 'type'; readonly type: TypeDef }
  | { readonly kind: 'alias'; readonly sort: AnySort; readonly target: AliasTarget }
  | { readonly kind: 'export'; readonly name: string; readonly desc: ExternDesc }

export interface CanonOptions {
  readonly encoding: 'utf8' | 'utf16' | 'latin1+utf16'
  readonly memory: number | undefined
  readonly realloc: number | undefined
  readonly postReturn: number | undefined
  /** Options that the host does not follow, by name. */
  readonly unsupported: readonly string[]
}

export interface NamedIndex {
  readonly name: string
  readonly item: SortIndex
}

/** One definition, in order; `at` is its byte offset in the component, for messages. */
export type Definition = { readonly at: number } & (
  | { readonly kind: 'core module'; readonly module: number }
  | {
      readonly kind: 'core instance'
      readonly module: number
      readonly args: readonly { readonly name: string; readonly instance: number }[]
    }
  | { readonly kind: 'core exports'; readonly items: readonly NamedIndex[] }
  | { readonly kind: 'component'; readonly component: ComponentNode }
  | { readonly kind: 'instance'; readonly component: number; readonly args: readonly NamedIndex[] }
  | { readonly kind: 'instance exports'; readonly items: readonly NamedIndex[] }
  | { readonly kind: 'alias'; readonly sort: AnySort; readonly target: AliasTarget }
  | { readonly kind: 'type'; readonly type: TypeDef }
  | { readonly kind: 'lift'; readonly func: number; readonly type: number; readonly options: CanonOptions }
  | { readonly kind: 'lower'; readonly func: number; readonly options: CanonOptions }
  | { readonly kind: 'resource.drop'; readonly type: number }
  | { readonly kind: 'import'; readonly name: string; readonly desc: ExternDesc }
  | { readonly kind: 'export'; readonly name: string; readonly item: SortIndex }
)

export interface ComponentNode {
  readonly definitions: readonly Definition[]
  /** Byte offset of its first section. */
  readonly at: number
}

/** A whole binary: core modules are numbered over all levels, as they appear. */
export interface ParsedComponent {
  readonly root: ComponentNode
  readonly modules: readonly { readonly at: number; readonly bytes: Uint8Array<ArrayBuffer> }[]
  /** Custom sections of the outermost component. */
  readonly custom: readonly { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }[]
}
