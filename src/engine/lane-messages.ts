import type { FunctionSpec, LaneData } from './contract.ts'
import type { CounterIndex } from './counts.ts'
import type { Material } from './prepare.ts'
import type { Artifact, CoreModule } from '../component/contract.ts'

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
  | { readonly kind: 'evict'; readonly name: string | undefined }
  | { readonly kind: 'stop'; readonly graceMs: number }

export type FromLane =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'deployed'; readonly id: number; readonly error?: string }
  | { readonly kind: 'evict'; readonly name: string | undefined }
  | { readonly kind: 'stopped' }

export interface ForgeJob {
  readonly id: number
  /** Modules that the forge has compiled before come without their bytes. */
  readonly artifact: Omit<Artifact, 'modules'> & { readonly modules: readonly ForgeModule[] }
  readonly spec: FunctionSpec
}

export type ForgeModule = Omit<CoreModule, 'bytes'> & { readonly bytes: CoreModule['bytes'] | undefined }

export type ForgeResult = { readonly id: number } & (
  | { readonly kind: 'prepared'; readonly material: Material }
  /** Some module came without its bytes and is not known any more. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
)
