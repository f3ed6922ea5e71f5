import type { DirtyPageScanner, Linux } from './linux.ts'
import type { MemoryImage, MemorySlot, RestoreStrategy } from './contract.ts'

/** How many ranges one PAGEMAP_SCAN call may return; more take further calls. */
const SCAN_CAPACITY = 1024

/** From this many dirty bytes on, private pages are dropped rather than copied back, or idle instances would keep them for ever (ISOLATION.md 6). */
const DROP_BYTES = 2 * 1024 * 1024

type FileImage = MemoryImage & { kind: 'memfd' }

/**
 * The Linux strategy: the image is a sealed memfd, mapped copy-on-write over the memory; after an invocation only the pages that it
 * or an earlier one dirtied are copied back. Untouched pages are shared by all instances.
 *
 * A scan asks about every present page and costs more than all the rest, so its answer is kept: it stays complete until the thread
 * takes its next page fault, whatever that was for (`Linux.faults`). No other thread writes guest memories.
 *
 * ```
 * base                image.length          virtual size           real size
 *  |  private file map  |  anonymous, granted  |  protected, zero    |  V8's guard
 * ```
 * Between invocations virtual size = image.length, so everything up to the real size is protected: an access traps as it would
 * in a memory that never grew.
 */
export function dirtyPagesStrategy(linux: Linux, capacity: number = SCAN_CAPACITY): RestoreStrategy {
  const scanner = linux.scanner(capacity)
  /** One view per image and thread. */
  const sources = new WeakMap<MemoryImage, Uint8Array>()
  return {
    name: 'dirty-pages',
    undoesGrowth: true,

    capture(memory, length) {
      const fd = linux.sealedFile('ampoule-snapshot', new Uint8Array(memory.buffer, 0, length))
      return { kind: 'memfd', length, fd, address: length === 0 ? 0 : linux.mapReadOnly(length, fd) }
    },

    attach(memory, image, protectable = true) {
      if (image.kind !== 'memfd') throw new TypeError(`the dirty-pages strategy cannot attach an image of kind ${image.kind}`)
      const source = sources.get(image) ?? (image.length === 0 ? new Uint8Array() : linux.view(image.address, image.length))
      sources.set(image, source)
      return new DirtyPagesSlot(linux, scanner, memory, image, source, protectable)
    },

    release(image) {
      if (image.kind !== 'memfd') return
      if (image.length > 0) linux.unmap(image.address, image.length)
      linux.close(image.fd)
    },
  }
}

/** A range of private pages, and what belongs there. */
interface DirtyRange {
  readonly pages: Uint8Array
  readonly image: Uint8Array
}

class DirtyPagesSlot implements MemorySlot {
  readonly #linux: Linux
  readonly #scanner: DirtyPageScanner
  readonly #memory: WebAssembly.Memory
  readonly #image: FileImage
  readonly #source: Uint8Array
  readonly #base: number
  readonly #protectable: boolean
  #bytes: Uint8Array
  /** Bytes from the image's end that are accessible; 0 between invocations. */
  #granted = 0
  /** All private pages as of the last scan. */
  #dirty: readonly DirtyRange[] = []
  /** The thread's faults before that scan; undefined when the next restore has to scan, whatever they are. */
  #scannedAt: bigint | undefined

  constructor(
    linux: Linux,
    scanner: DirtyPageScanner,
    memory: WebAssembly.Memory,
    image: FileImage,
    source: Uint8Array,
    protectable: boolean,
  ) {
    this.#linux = linux
    this.#scanner = scanner
    this.#memory = memory
    this.#image = image
    this.#bytes = new Uint8Array(memory.buffer)
    if (this.#bytes.length < image.length)
      throw new TypeError(`memory of ${this.#bytes.length} bytes is shorter than its image of ${image.length}`)
    this.#base = linux.addressOf(memory.buffer)
    this.#source = source
    this.#protectable = protectable
    if (image.length > 0) linux.mapPrivate(this.#base, image.length, image.fd)
    this.#granted = this.#bytes.length - image.length
    this.#forgetGrowth()
  }

  restore(): boolean {
    const { length } = this.#image
    this.#refresh()
    if (this.#granted > 0) {
      if (!this.#protectable) return false
      this.#forgetGrowth()
    }
    if (length === 0) return true
    const faults = this.#linux.faults()
    if (faults !== this.#scannedAt) {
      this.#dirty = this.#scan(length)
      this.#scannedAt = faults
    }
    for (const { pages, image } of this.#dirty) pages.set(image)
    return true
  }

  grant(from: number, to: number): boolean {
    const real = this.#memory.buffer.byteLength
    const until = Math.min(to, real)
    if (until > from) this.#linux.protect(this.#base + from, until - from, 'read-write')
    this.#granted = Math.max(this.#granted, to - this.#image.length)
    return true
  }

  verify(): boolean {
    this.#refresh()
    const { length } = this.#image
    if (this.#granted !== 0) return false
    const equal = Buffer.compare(this.#bytes.subarray(0, length), this.#source) === 0
    // Reading everything has mapped every page, and a scan takes time by mapped pages.
    if (equal) this.trim()
    return equal
  }

  trim(): void {
    this.#scannedAt = undefined
    if (this.#image.length > 0) this.#linux.drop(this.#base, this.#image.length)
  }

  close(): void {
    const real = this.#memory.buffer.byteLength
    if (real > 0) this.#linux.drop(this.#base, real)
  }

  /** Every private page, unless there are so many that all are dropped here and none is left. */
  #scan(length: number): DirtyRange[] {
    const { count, ranges } = this.#scanner.scan(this.#base, length)
    const dirty: DirtyRange[] = []
    let bytes = 0
    for (let i = 0; i < count; i++) {
      const start = ranges[2 * i]! - this.#base
      const end = ranges[2 * i + 1]! - this.#base
      bytes += end - start
      dirty.push({ pages: this.#bytes.subarray(start, end), image: this.#source.subarray(start, end) })
    }
    if (bytes < DROP_BYTES) return dirty
    this.#linux.drop(this.#base, length)
    return []
  }

  /** Growth detaches the buffer that was seen before. */
  #refresh(): void {
    if (this.#bytes.length === this.#memory.buffer.byteLength) return
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#scannedAt = undefined
  }

  #forgetGrowth(): void {
    const { length } = this.#image
    const beyond = this.#bytes.length - length
    if (beyond > 0) {
      this.#linux.drop(this.#base + length, beyond)
      this.#linux.protect(this.#base + length, beyond, 'none')
    }
    this.#granted = 0
  }
}
