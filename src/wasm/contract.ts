/**
 * What the passes over a core module promise. Bytes in, bytes out, no I/O; nothing here knows of components or WASI.
 *
 * An instrumented module asks for these imports of module `ampoule` (each only when it is needed):
 * - `refuel`: (i64 left) -> i64: >0 the next slice, 0 please call `yield`, <0 kill (an uncatchable trap)
 * - `yield`: (i64 left) -> i64: as `refuel`, may suspend (JSPI)
 * - `grow-memory`: (i32 memory index, i64 from pages, i64 to pages, i64 real pages) -> i32: 1 when the host grants (and charges)
 *   growth of the virtual size; when `to` is beyond `real` the module grows the real memory itself afterwards
 * - `grow-table`: (i32 table index, i64 from entries, i64 to entries) -> i32: 1 when granted
 *
 * and exports, for what it defines itself (`<i>` is the index in the input module):
 * - `ampoule:fuel` (global mut i64, 0 at first; only when it has functions of its own): what is left of the module's grant. Every
 *   module counts by itself, companions included; below zero it asks `refuel`. No part of save, restore and changed: whoever lends
 *   fuel sets it
 * - `ampoule:memory<i>`, `ampoule:pages<i>` (global mut i32/i64: virtual size in pages), `ampoule:global<i>` (mutable globals),
 *   `ampoule:table<i>`
 * - `ampoule:save` (): copies every mutable global (any type; pages and drop flags included) to its shadow; clears table flags
 * - `ampoule:restore` (): the way back; tables that were written since `save` are put back from the copy taken at their first write
 * - `ampoule:changed` () -> i32: 0 when every mutable global equals its shadow (references: null or not) and no table is dirty;
 *   bit 0 globals differ, bit 1 a table was written, bit 2 a table grew (cannot be undone: discard the instance)
 *
 * A memory, mutable table or drop state that crosses modules brings companions: for each export `E` of a memory the module also
 * exports `ampoule:pages:E` (global) and `ampoule:grow:E` (func: (delta) -> old or -1, in the memory's index type); for each
 * export `E` of a table `ampoule:touch:E` (func () -> (): save before first write) and `ampoule:grow:E`
 * (func: (init reference, delta) -> old or -1). A module that imports memory or table `M`.`N` imports the companions it uses
 * as `M`.`ampoule:pages:N` and so on; whoever links resolves them at the exporter.
 */
export interface InstrumentOptions {
  /** Inject fuel metering. Default true. */
  readonly fuel?: boolean
  /** Virtualise memory.size and memory.grow, ask the host before growth. Default true. */
  readonly limits?: boolean
  /** Add save/restore/changed and export all mutable state. Default true. */
  readonly state?: boolean
  /** Largest accepted function body in bytes, before and after instrumentation. Default 2 MiB: V8 compiles one body in one go (ISOLATION.md 16). */
  readonly maxFunctionBytes?: number
}

export interface MemoryReport {
  readonly index: number
  /** Set when the memory is imported. */
  readonly from?: { readonly module: string; readonly name: string }
  readonly minPages: number
  readonly maxPages: number | undefined
  readonly memory64: boolean
  readonly shared: boolean
  /** log2 of the page size; 16 unless custom-page-sizes. */
  readonly pageSizeLog2: number
}

export interface GlobalReport {
  readonly index: number
  /** 'i32', 'i64', 'f32', 'f64', 'v128', or a reference type in text form. */
  readonly type: string
  readonly export: string
}

export interface InstrumentReport {
  readonly memories: readonly MemoryReport[]
  /** The mutable globals that the module defines. */
  readonly globals: readonly GlobalReport[]
  readonly tables: readonly {
    readonly index: number
    readonly type: string
    readonly min: number
    readonly max: number | undefined
    readonly imported: boolean
  }[]
  readonly hasStart: boolean
  /** Whether the code has atomic instructions: V8 checks their addresses against the real size of a memory, whatever is protected. */
  readonly atomics: boolean
  /** Why the module's state cannot be put back in full (GC references in globals or tables, shared memories, …); empty when it can. */
  readonly unrestorable: readonly string[]
  /** Why no limit holds for what the module may take of V8's own heap (GC objects, exceptions); empty when it takes none. */
  readonly unlimited: readonly string[]
  readonly functions: number
  readonly largestFunctionBytes: number
}

export interface Instrumented {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly report: InstrumentReport
}

/** Throws `AmpouleError('InvalidModule')` naming opcode and byte offset when the module is malformed or not supported. */
export type InstrumentModule = (bytes: Uint8Array, options?: InstrumentOptions) => Instrumented

/** An active data segment that was taken out of a module. */
export interface DataSegment {
  /** Index of the memory in the module. */
  readonly memory: number
  /** Byte address, or the name of the exported global that holds it. */
  readonly offset: number | string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Detached {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** To be written in this order after instantiation; one that does not fit its memory is a trap. */
  readonly segments: readonly DataSegment[]
  /** Whether `ampoule:start` is exported and must be called after the segments were written. */
  readonly start: boolean
}

/** Takes active data segments and the start function out of a module: instances of a snapshot need neither. */
export type DetachInitialisation = (bytes: Uint8Array) => Detached
