import type { BuildPosition, BundleForm, JavaScriptEngine } from './contract.ts'

/** What the parent asks for, as the child's first message. */
export interface BuildRequest {
  readonly type: 'bundle'
  readonly entry: string
  readonly engine: JavaScriptEngine
  readonly form: BundleForm
  /** File that the child writes the bundle's source map into. */
  readonly sourceMapOutput: string
}

/** The second message, when the cache has no component of that hash. */
export interface ComponentizeRequest {
  readonly type: 'componentize'
  /** File that the child writes the component into. */
  readonly output: string
}

export type ToChild = BuildRequest | ComponentizeRequest

export type FromChild =
  | { readonly type: 'bundled'; readonly hash: string }
  | { readonly type: 'componentized' }
  | {
      readonly type: 'failed'
      readonly message: string
      readonly position: BuildPosition | undefined
      readonly inputs: readonly string[]
      readonly internal: string | undefined
    }
