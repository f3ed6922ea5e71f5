import type { FunctionSpec, LaneData } from './contract.ts'
import type { CounterIndex } from './counts.ts'
import type { Material } from './prepare.ts'
import type { Artifact } from '../component/contract.ts'

/** A function as it is posted to a lane. */
export interface LaneFunction {
  readonly spec: FunctionSpec
  readonly material: Material
  readonly index: CounterIndex
  readonly minInstances: number
}

export interface LaneWorkerData {
  readonly lane: number
  readonly lanes: number
  readonly program: string
  readonly data: LaneData
  readonly functions: readonly LaneFunction[]
  readonly counts: SharedArrayBuffer
  readonly heartbeats: SharedArrayBuffer
  readonly ceilingKib: number
  readonly restore: 'copy' | 'dirty-pages'
  readonly verifyEvery: number
}

export type ToLane =
  | { readonly kind: 'deploy'; readonly id: number; readonly fn: LaneFunction }
  | { readonly kind: 'evict'; readonly name: string }
  | { readonly kind: 'stop'; readonly graceMs: number }

export type FromLane =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'deployed'; readonly id: number; readonly error?: string }
  | { readonly kind: 'evict'; readonly name: string }
  | { readonly kind: 'stopped' }

export interface ForgeJob {
  readonly id: number
  readonly artifact: Artifact
  readonly spec: FunctionSpec
}

export type ForgeResult =
  { readonly id: number; readonly material: Material } | { readonly id: number; readonly code: string; readonly message: string }
