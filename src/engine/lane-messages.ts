import type { FunctionSpec, LaneData } from './contract.ts'
import type { CounterIndex, QuotaIndex } from './counts.ts'
import type { Material } from './prepare.ts'
import type { TopLevelDetails } from './script.ts'
import type { Snapshot } from './snapshot.ts'
import type { Artifact, CoreModule, Script } from '../component/contract.ts'
import type { ErrorMessage } from '../errors.ts'

/** A function as it is posted to a lane. */
export interface LaneFunction {
  readonly spec: FunctionSpec
  readonly material: Material
  readonly index: CounterIndex
  readonly quota?: QuotaIndex | undefined
  /** This lane's part of it. */
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
  | { readonly kind: 'remove'; readonly id: number; readonly name: string }
  /** `instances`: of all lanes; `minInstances`: this lane's part of them. */
  | {
      readonly kind: 'provision'
      readonly id: number
      readonly name: string
      readonly instances: number
      readonly minInstances: number
    }
  | { readonly kind: 'update'; readonly id: number; readonly program: unknown }
  | { readonly kind: 'tell'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'answer'; readonly question: number; readonly answer: unknown }
  | { readonly kind: 'unanswered'; readonly question: number; readonly error: ErrorMessage }
  | { readonly kind: 'evict'; readonly name: string | undefined }
  | { readonly kind: 'stop'; readonly graceMs: number }

export type FromLane =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly error: ErrorMessage }
  /** Answers every request with an id. */
  | { readonly kind: 'done'; readonly id: number; readonly error?: ErrorMessage }
  /** Nothing uses any more what `deploy` replaced or `remove` removed. Comes once for each of them, after `done`. */
  | { readonly kind: 'released'; readonly id: number }
  | { readonly kind: 'ask'; readonly question: number; readonly content: unknown }
  | { readonly kind: 'evict'; readonly name: string | undefined }
  | { readonly kind: 'stopped' }

export interface ForgeJob {
  readonly id: number
  /** Undefined when the forge has the engine of the script ready. Modules that it has compiled before come without their bytes. */
  readonly artifact: (Omit<Artifact, 'modules'> & { readonly modules: readonly ForgeModule[] }) | undefined
  readonly script: Script | undefined
  readonly spec: FunctionSpec
}

export type ForgeModule = Omit<CoreModule, 'bytes'> & { readonly bytes: CoreModule['bytes'] | undefined }

export type FromForge =
  | { readonly kind: 'prepared'; readonly id: number; readonly material: Material }
  /** The engine, or the bytes of some module, were left out and are not known any more. */
  | { readonly kind: 'incomplete'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorMessage }
  | { readonly kind: 'top level failed'; readonly id: number; readonly message: string; readonly details: TopLevelDetails }
  /** An engine is ready for scripts: its snapshot has to be released when the forge is gone. */
  | { readonly kind: 'engine'; readonly engine: string; readonly snapshot: Snapshot }
