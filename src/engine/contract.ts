import type { Artifact, EventForm } from '../component/contract.ts'
import type { GuestRequest, GuestResponse } from '../wasi/contract.ts'

/** Limits of every invocation of one function. */
export interface FunctionLimits {
  /** Linear memories, tables, host-held buffers, handles and /tmp together, in MiB. */
  readonly memoryMb: number
  readonly timeoutMs: number
  /** Units of fuel for one invocation; the host's default is generous (DESIGN.md decision 3). */
  readonly fuel: bigint
  readonly maxRequestBytes: number
  readonly maxResponseBytes: number
}

/** Unpacked files on disk (files/index-format.ts). Plain data. */
export interface FileImage {
  /** `sha256`: hex. */
  readonly index: { readonly path: string; readonly sha256: string }
  /** Path of the files' content. */
  readonly data: string
}

/** A folder that the guest can read. */
export interface MountSpec {
  /** As the guest sees it. */
  readonly path: string
  /** Later ones lie over earlier ones. No file of one may be a folder of another. */
  readonly images: readonly FileImage[]
}

/** What a lane needs to run a function. */
export interface FunctionSpec {
  readonly name: string
  readonly limits: FunctionLimits
  /** The environment that the guest sees. */
  readonly variables: readonly (readonly [name: string, value: string])[]
  /** What the guest can read beside /tmp. Default: nothing. */
  readonly mounts?: readonly MountSpec[]
  /** Invocations at once, over all lanes. */
  readonly concurrency: number
  /** Instances that are kept ready, over all lanes. */
  readonly minInstances: number
  readonly idleMs: number
  /** The name of what its invocations count against, together with those of all that name the same (`LaneGroup.limit`). Left out: none. */
  readonly quota?: string
  /** So many of `minInstances` are never given up for others, and as many invocations do not count against the quota. Default 0. */
  readonly provisioned?: number
  /** What leads from the guest's stacks to the author's files (src/observe/source-map.ts); the engine only passes it on. */
  readonly sourceMap?: { readonly path: string; readonly root: string }
}

/** What the engine needs of an `AbortSignal`. A real one costs each invocation more than a small function's whole call. */
export interface Cancellation {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** What the caller of an invocation brings. */
export interface InvocationContext {
  readonly requestId: string
  /** Aborts when the client has gone away. */
  readonly signal: Cancellation
  /** A line (without newline) that the guest wrote to stdout or stderr. */
  log(stream: 'stdout' | 'stderr', line: string): void
  /** What an event or an exchange took that failed, before its promise rejects with the failure. */
  spent?(report: InvocationReport): void
}

/** What an invocation took; available when it has ended (after a streamed body). */
export interface InvocationReport {
  /** Milliseconds waited for an instance. */
  readonly queueMs: number
  /** Milliseconds inside the guest and its host calls, suspended time included. */
  readonly guestMs: number
  /** Milliseconds of the restore after the invocation before, in whose place this one ran; 0 for a fresh instance. */
  readonly restoreMs: number
  readonly fuelUsed: bigint
  readonly memoryBytes: number
  readonly fresh: boolean
}

/** What an `exchange` is called with: two strings as UTF-8, and bytes. */
export interface ExchangeRequest {
  readonly head: Uint8Array
  readonly text: Uint8Array
  readonly bytes: Uint8Array
}

/** Copies of what the guest gave; nothing of it was looked at, so strings may be no UTF-8. `ok` is false for the err side. */
export type ExchangeAnswer =
  | { readonly ok: true; readonly strings: readonly Buffer[]; readonly bytes: Buffer }
  | { readonly ok: false; readonly payload: Uint8Array }

/** A function in one lane. Errors are `AmpouleError`s: TooManyRequests, FuelExhausted, DeadlineExceeded, MemoryExceeded, FunctionTrapped, Cancelled … */
export interface FunctionRunner {
  readonly spec: FunctionSpec
  /** Which ways in the artifact has; `event` is preferred for HTTP when both are there. */
  readonly ways: { readonly event: boolean; readonly exchange: boolean; readonly http: boolean }
  /** The form of the events that the guest reads, and of its answers (docs/events.md). */
  readonly events: EventForm
  /** Whether guests of this lane have used up their slice and wait: every turn of the event loop then gives one of them another. */
  readonly crowded: boolean
  /** Event world: the guest's ok bytes; its err bytes reject as `GuestFailure`. */
  invokeEvent(
    event: Uint8Array,
    context: InvocationContext,
  ): Promise<{ readonly payload: Uint8Array; readonly report: InvocationReport }>
  /** The shorter way for an HTTP request (docs/events.md), where `ways` has it; err bytes as with `invokeEvent`. */
  invokeExchange(
    request: ExchangeRequest,
    context: InvocationContext,
  ): Promise<{ readonly answer: ExchangeAnswer & { readonly ok: true }; readonly report: InvocationReport }>
  /** wasi:http. Resolves at the response's head; `done` when the guest has finished and its body was read. `done` never rejects after the head has been given: errors end the body stream. */
  invokeHttp(
    request: GuestRequest,
    context: InvocationContext,
  ): Promise<{ readonly response: GuestResponse; readonly done: Promise<InvocationReport> }>
  /** Stops new work, waits for what runs, closes the instances. */
  close(): Promise<void>
}

export interface DeployedFunction {
  readonly artifact: Artifact
  readonly spec: FunctionSpec
}

/** What runs in every lane, above the runners: the module at `LaneOptions.program` exports it as `startLane`. */
export type LaneProgram = (
  data: LaneData,
  runners: ReadonlyMap<string, FunctionRunner>,
  supervisor: LaneSupervisor,
) => Promise<LaneServer>

/** The main thread as a lane's program sees it. */
export interface LaneSupervisor {
  /** What `LaneOptions.answer` says to this. Both are structured clones; buffers of `transfer` are moved. Rejects with what `answer` rejects with. */
  ask(question: unknown, transfer?: readonly ArrayBuffer[]): Promise<unknown>
}

/** Plain data, given unchanged to every lane. */
export interface LaneData {
  readonly host: string
  /** Never 0: every lane listens on it with `reusePort`. */
  readonly port: number
  readonly reusePort: boolean
  /** Whatever the program needs; the engine only passes it on (structured clone). */
  readonly program: unknown
}

export interface LaneServer {
  readonly port: number
  /** Stops accepting, answers 503 on connections that are still open, waits up to `graceMs` for what runs, then ends it. Does not close the runners. */
  stop(graceMs: number): Promise<void>
  /** Takes the place of `LaneData.program`. */
  update?(program: unknown): void
  /** Hears what `LaneGroup.tell` tells. */
  told?(message: unknown): void
}

export interface LaneOptions {
  /** Worker threads; at least 1. */
  readonly lanes: number
  /** URL of the module that exports `startLane: LaneProgram`. */
  readonly program: URL
  readonly data: LaneData
  readonly functions: readonly DeployedFunction[]
  /** Memory of all instances of all functions together, in MiB. */
  readonly memoryCeilingMb: number
  /** How instances are restored; `auto` tries what the system can. */
  readonly restore: 'auto' | 'copy' | 'dirty-pages'
  /** Every how many restores everything is compared with the snapshot; 1 always, 0 never (ISOLATION.md 13). */
  readonly verifyEvery: number
  /** When a lane counts as hung: its event loop is looked at every `everyMs` and has not turned for `silentMs`. Default 1,000 and 15,000. */
  readonly watch?: { readonly everyMs: number; readonly silentMs: number }
  /** Answers what lanes' programs ask (`LaneSupervisor`); `asker` is another for each lane that is started. Without it such questions fail. */
  answer?(question: unknown, asker: number): Promise<unknown>
  /** A lane has died: what it has asked for and not used is nobody's. Its `asker` is never given again. */
  died?(asker: number): void
  /** A lane has died and is being replaced, or the replacement has failed. */
  onLaneFailure(error: Error): void
}

/** `startLanes(options: LaneOptions): Promise<LaneGroup>` of src/engine/lanes.ts resolves when every lane listens. */
export interface LaneGroup {
  readonly port: number
  /**
   * Adds a function, or puts it in the place of the one of the same name, which finishes what it runs; that is not waited for. `signal` ends its
   * initialisation.
   */
  deploy(fn: DeployedFunction, signal?: AbortSignal): Promise<void>
  /** Gives every lane's program, also those that start later, other data. Resolves when all have taken it. */
  update(program: unknown): Promise<void>
  /** Tells every lane's program something, once. Resolves when all that serve have heard it. */
  tell(message: unknown): Promise<void>
  /** Lets a function go, which finishes what it runs; that is not waited for. Lanes have no runner of this name any more when it resolves. */
  remove(name: string): Promise<void>
  /** Instances of a function that are alive, in all lanes. 0 for one that is not deployed. */
  instances(name: string): number
  /** Invocations that run on provisioned instances. */
  provisionedInUse(name: string): number
  /** Sets `minInstances` and `provisioned` of a function to this. Resolves when the instances are ready, or there is no memory for more of them. */
  provision(name: string, instances: number): Promise<void>
  /** How many invocations may run that count against this quota; `undefined` as its name: against all that have no limit of their own. At once. */
  limit(quota: string | undefined, most: number | undefined): void
  /** Drains every lane, closes its runners, ends its thread. */
  stop(graceMs: number): Promise<void>
}
