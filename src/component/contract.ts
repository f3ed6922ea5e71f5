/** A core function, memory, table or global of the plan: an export of an earlier core instance. */
export interface CoreRef {
  readonly instance: number
  readonly name: string
}

/** A canonical function that the host provides to core code (component model, canonical ABI `canon`). */
export type HostImport =
  | {
      readonly kind: 'lower'
      /** Interface without version, e.g. `wasi:io/streams`; '' for a function imported by the world itself. */
      readonly interface: string
      /** As written, e.g. `0.2.3`; undefined where the interface has none. */
      readonly version: string | undefined
      /** Canonical name, e.g. `[method]input-stream.read`. */
      readonly name: string
      readonly memory: CoreRef | undefined
      readonly realloc: CoreRef | undefined
      /**
       * Core signature that the component's function type flattens to, e.g. `iiI->i` (i i32, I i64, f f32, F f64): the importing modules
       * agree with it, so a host that compares it with its own knows that every argument arrives as the kind of number it expects.
       */
      readonly signature?: string
    }
  | {
      readonly kind: 'resource.drop'
      readonly interface: string
      readonly version: string | undefined
      readonly resource: string
    }

export type CoreItem = { readonly kind: 'core'; readonly ref: CoreRef } | { readonly kind: 'host'; readonly import: HostImport }

/** One core instance, in the order of instantiation. */
export type CoreInstance =
  | { readonly kind: 'module'; readonly module: number; readonly args: Readonly<Record<string, number>> }
  | { readonly kind: 'exports'; readonly items: Readonly<Record<string, CoreItem>> }

export interface LiftedExport {
  readonly func: CoreRef
  readonly memory: CoreRef | undefined
  readonly realloc: CoreRef | undefined
  readonly postReturn: CoreRef | undefined
}

/** What the engine follows to link an instance: which import of which module is satisfied by what. Plain data. */
export interface LinkPlan {
  readonly instances: readonly CoreInstance[]
  readonly exports: {
    /** `handle: func(list<u8>) -> result<list<u8>, list<u8>>` of the event world (guest-sdk/wit). */
    readonly event?: LiftedExport
    /** `load`, of the same type: an engine's way to be given a script (src/engine/script.ts), called before the snapshot only. */
    readonly load?: LiftedExport
    /** `exchange`, beside `event`: a request and its answer as text and bytes (guest-sdk/wit/quickjs.wit, docs/events.md). */
    readonly exchange?: LiftedExport
    /** `wasi:http/incoming-handler#handle`. */
    readonly http?: LiftedExport
  }
}

import type { DataSegment, InstrumentReport } from '../wasm/contract.ts'

export interface CoreModule {
  /** SHA-256 of `bytes`, hex: functions of one language runtime have the same modules. */
  readonly hash: string
  /** Instrumented, without its initialisation. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** What has to be written into memories when an instance does not start from a snapshot. */
  readonly segments: readonly DataSegment[]
  /** Whether `ampoule:start` has to be called then. */
  readonly start: boolean
  readonly report: InstrumentReport
}

/** JavaScript for an engine that `load`s it. */
export interface Script {
  /** Id of the engine's own artifact. */
  readonly engine: string
  /** SHA-256 of `bytes`, hex. */
  readonly hash: string
  /** UTF-8. */
  readonly bytes: Uint8Array
}

export interface Artifact {
  /** SHA-256, hex, of the component's bytes and the version of the passes; of a script and its engine's id, where there is one. */
  readonly id: string
  /** Set when the component is an engine whose function is this script. */
  readonly script?: Script
  readonly modules: readonly CoreModule[]
  readonly plan: LinkPlan
  readonly meta: ArtifactMeta
}

export interface ArtifactMeta {
  readonly componentBytes: number
  /** Interfaces as the component names them, versions included. */
  readonly imports: readonly string[]
  readonly exports: readonly string[]
  /** From the custom section `ampoule` that our own builds add: which runtime, that it answers warm-up events, and their form. */
  readonly runtime:
    { readonly name: string; readonly version: string; readonly warm: boolean; readonly events: EventForm } | undefined
}

/** How events and answers cross the boundary (docs/events.md): one MessagePack map, or an array of JSON and a body. */
export type EventForm = 'json' | 'msgpack'

/** What the engine gives when an instance is linked. */
export interface LinkHooks {
  /** The host's function for one import; `resolve` gives exports of core instances, late: only once the guest runs. */
  hostFunction(item: HostImport, resolve: (ref: CoreRef) => WebAssembly.ExportValue): WebAssembly.ImportValue
  /** The imports of module `ampoule` for one core instance (index in the plan) made from one core module. */
  ampoule(instance: number, module: number): Readonly<Record<string, WebAssembly.ImportValue>>
  /** Called after each core instance was made, before any of its code runs. */
  instantiated?(instance: number, exports: WebAssembly.Exports): void
  /** Called then, before the next: writes data segments and calls the start function, unless a snapshot follows. */
  initialise?(instance: number, module: number, exports: WebAssembly.Exports, imports: WebAssembly.Imports): void
}

export interface Linked {
  /** Raw exports by index of the plan's core instances; undefined for instances of kind `exports`. */
  readonly instances: readonly (WebAssembly.Exports | undefined)[]
  resolve(ref: CoreRef): WebAssembly.ExportValue
}

/** Works out once which import is satisfied by what; the result is called for every new instance (src/component/link.ts `prepareLink`). */
export type PrepareLink = (plan: LinkPlan, modules: readonly WebAssembly.Module[]) => (hooks: LinkHooks) => Linked
