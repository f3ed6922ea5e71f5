import type { Artifact } from '../component/contract.ts'
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

/** What a lane needs to run a function. */
export interface FunctionSpec {
  readonly name: string
  readonly limits: FunctionLimits
  /** The environment that the guest sees. */
  readonly variables: readonly (readonly [name: string, value: string])[]
  /** Invocations at once, over all lanes. */
  readonly concurrency: number
  /** Instances that are kept ready, over all lanes. */
  readonly minInstances: number
  readonly idleMs: number
}

/** What the caller of an invocation brings. */
export interface InvocationContext {
  readonly requestId: string
  /** Aborts when the client has gone away. */
  readonly signal: AbortSignal
  /** A line (without newline) that the guest wrote to stdout or stderr. */
  log(stream: 'stdout' | 'stderr', line: string): void
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

/** A function in one lane. Errors are `AmpouleError`s: TooManyRequests, FuelExhausted, DeadlineExceeded, MemoryExceeded, FunctionTrapped, Cancelled … */
export interface FunctionRunner {
  readonly spec: FunctionSpec
  /** Which ways in the artifact has; `event` is preferred for HTTP when both are there. */
  readonly ways: { readonly event: boolean; readonly http: boolean; readonly run: boolean }
  /** Event world: the guest's ok bytes; its err bytes reject as `GuestFailure`. */
  invokeEvent(event: Uint8Array, context: InvocationContext): Promise<{ readonly payload: Uint8Array; readonly report: InvocationReport }>
  /** wasi:http. Resolves at the response's head; `done` when the guest has finished and its body was read. `done` never rejects after the head has been given: errors end the body stream. */
  invokeHttp(request: GuestRequest, context: InvocationContext): Promise<{ readonly response: GuestResponse; readonly done: Promise<InvocationReport> }>
  /** Stops new work, waits for what runs, closes the instances. */
  close(): Promise<void>
}

export interface DeployedFunction {
  readonly artifact: Artifact
  readonly spec: FunctionSpec
}
