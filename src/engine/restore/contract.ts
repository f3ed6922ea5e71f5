/**
 * Bringing a memory back to its snapshot. Two strategies stand behind this contract, with one conformance suite
 * (test/engine/restore.test.ts); what differs between them is declared, not asked by name.
 */
export interface RestoreStrategy {
  readonly name: 'copy' | 'dirty-pages'
  /** Whether a memory that grew during an invocation can go back; where not, the instance must be discarded. */
  readonly undoesGrowth: boolean
  /** Takes the memory's first `length` bytes; the image is plain data that every thread of the process can attach. */
  capture(memory: WebAssembly.Memory, length: number): MemoryImage
  /**
   * Makes `memory` (at least as long as the image) equal to the image and prepares it for restoring. `protectable` is false for guests
   * whose code must not meet protected pages: V8 compiles atomic instructions so that they check the real size only, and a protected
   * page would then end the process. Such a memory is discarded once it has grown.
   */
  attach(memory: WebAssembly.Memory, image: MemoryImage, protectable?: boolean): MemorySlot
  /** Gives the image's resources back, once per process, when no slot uses it any more. */
  release(image: MemoryImage): void
}

/** Structured-cloneable within the process. `length` in bytes, a multiple of 64 KiB. */
export type MemoryImage =
  | { readonly kind: 'copy'; readonly length: number; readonly bytes: SharedArrayBuffer }
  | { readonly kind: 'memfd'; readonly length: number; readonly fd: number; readonly address: number }

/** One memory of one instance. */
export interface MemorySlot {
  /** Puts every byte back. False when that cannot be vouched for: the instance must be discarded (ISOLATION.md 13). */
  restore(): boolean
  /** Called in the injected `memory.grow`, before the guest may touch `from`..`to` (bytes): makes the range accessible and zero. */
  grant(from: number, to: number): boolean
  /** Compares every byte with the image, and checks that nothing has grown. */
  verify(): boolean
  /** Gives memory that only this instance holds back to the system; only between invocations. */
  trim(): void
  /** The instance is thrown away: gives its memory back at once, where the system can, rather than when it is collected. */
  close(): void
}
