import { AmpouleError } from '../errors.ts'
import type { Node } from './filesystem/node.ts'
import type { Resource } from './handles.ts'
import type { RequestLine, Timeouts } from './http/messages.ts'
import type { Failure } from './io/error.ts'

type SavedFields = readonly (readonly [name: string, value: string])[]

/** A live handle as plain data. `node` is an index into `SavedState.nodes`, `parent` a handle. */
export type SavedResource =
  | { readonly type: 'ended-input' | 'network' }
  | { readonly type: 'log-output'; readonly name: 'stdout' | 'stderr' }
  | { readonly type: 'timer'; readonly when: bigint }
  | { readonly type: 'pollable'; readonly parent: number }
  | { readonly type: 'error'; readonly failure: Failure }
  | { readonly type: 'descriptor'; readonly node: number; readonly flags: number }
  | { readonly type: 'directory-entries'; readonly entries: readonly (readonly [name: string, type: Node['type']])[] }
  | { readonly type: 'file-input'; readonly node: number; readonly position: number }
  | { readonly type: 'file-output'; readonly node: number; readonly position: number | 'end'; readonly closed: boolean }
  | { readonly type: 'fields'; readonly entries: SavedFields; readonly immutable: boolean; readonly parent: number | null }
  | { readonly type: 'outgoing-request'; readonly headers: SavedFields; readonly line: RequestLine }
  | { readonly type: 'outgoing-response'; readonly headers: SavedFields; readonly status: number }
  | { readonly type: 'request-options'; readonly timeouts: Timeouts }
  | { readonly type: 'future-trailers'; readonly taken: boolean }

/** A node that the state refers to; of /tmp, times are [accessed, modified, changed] in nanoseconds, entries name indices into `SavedState.nodes`. */
export type SavedNode = SavedMounted | SavedOwn

/** A node of a mount, by where it is. */
export interface SavedMounted {
  readonly type: 'mounted'
  readonly mount: string
  readonly path: string
}

export type SavedOwn = { readonly id: number; readonly times: readonly [bigint, bigint, bigint] } & (
  | { readonly type: 'file'; readonly bytes: Uint8Array }
  | { readonly type: 'directory'; readonly entries: readonly (readonly [name: string, node: number])[] }
  | { readonly type: 'link'; readonly target: string }
)

/** What `Wasi.save` gives; structured-cloneable. It must not be changed: restored instances share its file contents. */
export interface SavedState {
  /** By handle; null where none is live. */
  readonly handles: readonly (SavedResource | null)[]
  /** Free handles, the next one last. */
  readonly free: readonly number[]
  /** The root first. */
  readonly nodes: readonly SavedNode[]
  readonly nextNode: number
  /** Bytes of the memory account. */
  readonly held: number
}

/** How a resource names what it refers to. */
export interface Describer {
  node(node: Node): number
  handle(resource: Resource): number
}

export function undescribable(what: string): never {
  throw new AmpouleError('InvalidComponent', `the component holds an open ${what}, which cannot be part of a snapshot`)
}
