import type { DirtyPageScanner, Linux } from './linux.ts'
import type { MemoryImage, MemorySlot, RestoreStrategy } from './contract.ts'

/** How many ranges one PAGEMAP_SCAN call may return; more take further calls. */
const SCAN_CAPACITY = 1024

/** From this many dirty bytes on, private pages are dropped rather than copied back, or idle instances would keep them for ever (ISOLATION.md 6). */
const DROP_BYTES = 2 * 1024 * 1024

type FileImage = MemoryImage & { kind: 'memfd' }

/**
 * The Linux strategy: the image is a sealed memfd, mapped copy-on-write over the memory; after an invocation only the pages that it
 * dirtied are copied back. Untouched pages are shared by all instances.
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
    const { count, ranges } = this.#scanner.scan(this.#base, length)
    let dirty = 0
    for (let i = 0; i < count; i++) dirty += ranges[2 * i + 1]! - ranges[2 * i]!
    if (dirty >= DROP_BYTES) {
      this.#linux.drop(this.#base, length)
      return true
    }
    for (let i = 0; i < count; i++) {
      const start = ranges[2 * i]! - this.#base
      this.#bytes.set(this.#source.subarray(start, ranges[2 * i + 1]! - this.#base), start)
    }
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
    if (this.#image.length > 0) this.#linux.drop(this.#base, this.#image.length)
  }

  close(): void {
    const real = this.#memory.buffer.byteLength
    if (real > 0) this.#linux.drop(this.#base, real)
  }

  /** Growth detaches the buffer that was seen before. */
  #refresh(): void {
    if (this.#bytes.length !== this.#memory.buffer.byteLength) this.#bytes = new Uint8Array(this.#memory.buffer)
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
