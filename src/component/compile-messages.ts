import type { ErrorMessage } from '../errors.ts'
import type { Artifact, ArtifactMeta, LinkPlan } from './contract.ts'

/** Between the store and a compile worker: the store asks `derive`, looks at the plan, asks `compile`. */
export type CompileRequest =
  | { readonly kind: 'derive'; readonly component: Uint8Array<ArrayBuffer>; readonly maxComponentBytes: number }
  | { readonly kind: 'compile'; readonly id: string }

export type CompileReply =
  | { readonly kind: 'derived'; readonly plan: LinkPlan; readonly meta: ArtifactMeta }
  | { readonly kind: 'compiled'; readonly artifact: Artifact; readonly file: readonly Uint8Array<ArrayBuffer>[] }
  | { readonly kind: 'failed'; readonly error: ErrorMessage }
