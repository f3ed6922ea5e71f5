import type { SliceScheduler } from './slices.ts'
import type { CanonicalOptions } from '../wasi/contract.ts'

type Realloc = (oldPointer: number, oldSize: number, align: number, newSize: number) => number

/** A guest memory as the host sees it. */
export class GuestMemory {
  readonly memory: WebAssembly.Memory
  /** What the guest may use; the real memory can be longer. */
  virtualBytes: number
  #buffer: ArrayBuffer
  #bytes: Uint8Array
  #view: DataView

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory
    this.#buffer = memory.buffer
    this.#bytes = new Uint8Array(this.#buffer)
    this.#view = new DataView(this.#buffer)
    this.virtualBytes = this.#buffer.byteLength
  }

  bytes(): Uint8Array {
    this.#refresh()
    return this.#bytes
  }

  view(): DataView {
    this.#refresh()
    return this.#view
  }

  /** The bytes [pointer, pointer + length), which must lie within the virtual size. */
  slice(pointer: number, length: number): Uint8Array {
    const start = pointer >>> 0
    const end = start + (length >>> 0)
    if (end > this.virtualBytes)
      throw new WebAssembly.RuntimeError(`guest pointer out of bounds: ${start}..${end} of ${this.virtualBytes}`)
    return this.bytes().subarray(start, end)
  }

  #refresh(): void {
    const buffer = this.memory.buffer
    if (buffer === this.#buffer) return
    this.#bytes = new Uint8Array(buffer)
    this.#view = new DataView(buffer)
    // Last: a guest can arrange that the stack ends in between, and stale views must not pass for fresh ones.
    this.#buffer = buffer
  }
}

/** The canonical options of a lowered import or lifted export, resolved when they are first needed. */
export class CanonicalAccess implements CanonicalOptions {
  readonly #scheduler: SliceScheduler
  readonly #findMemory: () => GuestMemory
  readonly #findRealloc: () => Realloc
  #memory: GuestMemory | undefined
  #realloc: Realloc | undefined

  constructor(scheduler: SliceScheduler, findMemory: () => GuestMemory, findRealloc: () => Realloc) {
    this.#scheduler = scheduler
    this.#findMemory = findMemory
    this.#findRealloc = findRealloc
  }

  get memory(): GuestMemory {
    return (this.#memory ??= this.#findMemory())
  }

  bytes(): Uint8Array {
    return this.memory.bytes()
  }

  view(): DataView {
    return this.memory.view()
  }

  size(): number {
    return this.memory.virtualBytes
  }

  realloc(oldPointer: number, oldSize: number, align: number, newSize: number): number {
    const realloc = (this.#realloc ??= this.#findRealloc())
    const pointer = this.#scheduler.sync(() => realloc(oldPointer, oldSize, align, newSize)) >>> 0
    if (pointer % align !== 0 || pointer + newSize > this.size())
      throw new WebAssembly.RuntimeError(
        `cabi_realloc returned ${pointer} for ${newSize} bytes aligned to ${align}, which is not within the memory`,
      )
    return pointer
  }
}
