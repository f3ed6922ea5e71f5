import type { HostImport } from '../component/contract.ts'
import type { MountedDirectory } from './filesystem/mount.ts'

/**
 * What the WASI host needs from the instance that it serves; the engine provides it. One `Wasi` serves one component instance.
 * Nothing in `src/wasi/` reads a clock, a random source or the process by itself.
 */
export interface WasiEnvironment {
  /** Nanoseconds since the epoch. */
  wallClock(): bigint
  /** Nanoseconds from an arbitrary origin. */
  monotonicClock(): bigint
  randomBytes(length: number): Uint8Array
  readonly args: readonly string[]
  readonly variables: readonly (readonly [name: string, value: string])[]
  /** Folders that the guest can read beside /tmp, and that nobody can change. Default: none. */
  readonly mounts?: readonly Mount[]
  /** Bytes that the guest wrote to a standard stream, in order; copied before the call returns. */
  log(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
  /** Takes `bytes` from the invocation's memory account (buffers, streams, handles, /tmp); false when the limit is reached. */
  charge(bytes: number): boolean
  credit(bytes: number): void
  /**
   * Work that host functions do in proportion to what the guest asks for, in units of about a byte copied. The engine takes it from the
   * slice's fuel, or a guest could hold its lane with few instructions and long host calls. Reported from a thousand units on.
   */
  work?(units: number): void
  /** Throws when the instance is doomed (deadline, fuel, cancelled): every host function calls it first. */
  assertAlive(): void
  /**
   * A wait that may be aborted: `start` gets resolve/reject and returns what undoes it. The promise rejects when the invocation is
   * aborted; a completion that comes after the invocation has ended touches nothing (ISOLATION.md 10).
   */
  suspend<T>(start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void): Promise<T>
}

/** A folder of files, made once for all instances of a thread by `createMount` (filesystem/mount.ts). */
export interface Mount {
  /** As the guest sees it, such as `/opt`; each mount of an instance has another. */
  readonly path: string
  readonly root: MountedDirectory
}

/** What is in a mounted file. It never changes. */
export interface MountedContents {
  /** Bytes. */
  readonly size: number
  /** A view of at least one byte from `start` on where there is one, and at most `length`; undefined when it cannot be read. Must not be written. */
  read(start: number, length: number): Uint8Array | undefined
}

/** How core code is reached for one lowered import: the canonical options, resolved late (a shim is filled after it was imported). */
export interface CanonicalOptions {
  /** The memory's current bytes; a fresh view after growth. */
  bytes(): Uint8Array
  view(): DataView
  /** Virtual size in bytes: a guest pointer beyond it traps, whatever the real size. */
  size(): number
  realloc(oldPointer: number, oldSize: number, align: number, newSize: number): number
}

export interface LoweredFunction {
  /** Core-level parameters and result (i64 as bigint). A promise only when `suspending`. */
  readonly call: (...args: never[]) => number | bigint | undefined | Promise<number | bigint | undefined>
  /** May return a promise; the engine wraps it in `WebAssembly.Suspending`. */
  readonly suspending: boolean
}

/** One request as it goes into a guest (wasi:http/types incoming-request). */
export interface GuestRequest {
  readonly method: string
  readonly scheme: string
  readonly authority: string
  readonly pathWithQuery: string
  /** In order, duplicates kept; names as received, values latin-1 decoded bytes. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: ReadableStream<Uint8Array> | Uint8Array | null
}

/** What came out of a guest. `body` streams while the guest still runs. */
export interface GuestResponse {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: ReadableStream<Uint8Array> | Uint8Array | null
}

export interface HttpLimits {
  /** Longest response body. */
  readonly maxBodyBytes: number
  /** Longest request body; `maxBodyBytes` by default. */
  readonly maxRequestBodyBytes?: number
  /** Longest header section, each way: names and values with four bytes for each field. */
  readonly maxHeaderBytes: number
}

export interface HttpCall {
  /** Core arguments of incoming-handler.handle: the request's and the response-outparam's handles. */
  readonly request: number
  readonly responseOut: number
  /** Settles when the guest calls response-outparam.set; rejects with InvalidResponse (AmpouleError) for an error-code or when `finish` comes first. */
  readonly response: Promise<GuestResponse>
}

/** Plain, structured-cloneable data: live handles, clocks captured, files in /tmp. */
export type WasiState = unknown

export interface Wasi {
  /** The host's function for an import of the plan, or undefined when there is none (deployment refuses such components). */
  lower(item: HostImport, options: CanonicalOptions): LoweredFunction | undefined
  /** State of the handle table, standard streams and /tmp, to start every invocation from. Throws when live state cannot be described. */
  save(): WasiState
  /** Back to `state`, in this instance or in a fresh one: everything else is closed, its memory account credited. */
  restore(state: WasiState): void
  /** True when nothing differs from `state` (for verification in tests and one in N invocations). */
  equals(state: WasiState): boolean
  /** Creates the handles for one wasi:http call. */
  http(request: GuestRequest, limits: HttpLimits): HttpCall
  /** The export has returned or thrown: ends unfinished bodies (an error to the reader unless complete), settles `response`. */
  finish(error?: unknown): void
  /** Reads of random and clocks since the last `restore` or creation (ISOLATION.md 11). */
  draws(): { readonly random: number; readonly clock: number }
}

export type CreateWasi = (environment: WasiEnvironment) => Wasi

/** Whether the host has the function; versions 0.2.x are all accepted. */
export type IsSupported = (item: HostImport) => boolean
