import { AmpouleError } from '../errors.ts'
import type { MemoryReport } from '../wasm/contract.ts'
import { GuestMemory } from './access.ts'
import type { MemoryImage, MemorySlot, RestoreStrategy } from './restore/contract.ts'

const PAGE_BYTES = 65_536

interface Entry {
  readonly instance: number
  readonly report: MemoryReport
  readonly guest: GuestMemory
  slot: MemorySlot | undefined
  /** Bytes at the start of every invocation. */
  length: number
}

/** Images by core instance, then by memory index of its module. */
export type MemoryImages = readonly (readonly { readonly index: number; readonly image: MemoryImage }[])[]

/** The linear memories that the core instances of one instance define. */
export class GuestMemories {
  readonly #strategy: RestoreStrategy
  readonly #entries: Entry[] = []
  readonly #byMemory = new Map<WebAssembly.Memory, GuestMemory>()

  constructor(strategy: RestoreStrategy) {
    this.#strategy = strategy
  }

  add(instance: number, report: MemoryReport, memory: WebAssembly.Memory): void {
    const guest = new GuestMemory(memory)
    this.#byMemory.set(memory, guest)
    this.#entries.push({ instance, report, guest, slot: undefined, length: guest.virtualBytes })
  }

  of(memory: WebAssembly.ExportValue): GuestMemory | undefined {
    return memory instanceof WebAssembly.Memory ? this.#byMemory.get(memory) : undefined
  }

  /** The injected `memory.grow`: from here on the guest may touch up to `to` bytes. */
  grow(instance: number, index: number, from: number, to: number): boolean {
    const entry = this.#entries.find((candidate) => candidate.instance === instance && candidate.report.index === index)
    // During instantiation there is nothing to unprotect yet: virtual and real size are the same.
    if (entry === undefined) return true
    if (entry.slot !== undefined && !entry.slot.grant(from, to)) return false
    entry.guest.virtualBytes = to
    return true
  }

  capture(instances: number): MemoryImages {
    const images: { index: number; image: MemoryImage }[][] = Array.from({ length: instances }, () => [])
    for (const { instance, report, guest } of this.#entries) {
      images[instance]!.push({ index: report.index, image: this.#strategy.capture(guest.memory, guest.virtualBytes) })
    }
    return images
  }

  /** See RestoreStrategy.attach for `protectable`. */
  adopt(images: MemoryImages, protectable: boolean): void {
    for (const entry of this.#entries) {
      const { index, memory64 } = entry.report
      const image = images[entry.instance]?.find((candidate) => candidate.index === index)?.image
      if (image === undefined)
        throw new AmpouleError('Internal', `the snapshot lacks memory ${index} of core instance ${entry.instance}`)
      const missing = (image.length - entry.guest.memory.buffer.byteLength) / PAGE_BYTES
      // The JavaScript API takes a bigint for 64-bit memories, which lib.dom does not know yet.
      if (missing > 0) entry.guest.memory.grow((memory64 ? BigInt(missing) : missing) as number)
      entry.slot = this.#strategy.attach(entry.guest.memory, image, protectable)
      entry.length = image.length
      entry.guest.virtualBytes = image.length
    }
  }

  /** False when some memory cannot be vouched for. */
  restore(): boolean {
    for (const entry of this.#entries) {
      if (entry.slot === undefined || !entry.slot.restore()) return false
      entry.guest.virtualBytes = entry.length
    }
    return true
  }

  verify(): boolean {
    return this.#entries.every(({ slot }) => slot?.verify() === true)
  }

  trim(): void {
    for (const { slot } of this.#entries) slot?.trim()
  }

  close(): void {
    for (const { slot } of this.#entries) slot?.close()
  }
}
