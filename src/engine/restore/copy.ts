import type { MemoryImage, MemorySlot, RestoreStrategy } from './contract.ts'

/** The portable strategy: the whole snapshot is copied back. A grown memory cannot shrink, so its instance is discarded. */
export const copyStrategy: RestoreStrategy = {
  name: 'copy',
  undoesGrowth: false,

  capture(memory, length) {
    const bytes = new SharedArrayBuffer(length)
    new Uint8Array(bytes).set(new Uint8Array(memory.buffer, 0, length))
    return { kind: 'copy', length, bytes }
  },

  attach(memory, image) {
    if (image.kind !== 'copy') throw new TypeError(`the copy strategy cannot attach an image of kind ${image.kind}`)
    const slot = new CopySlot(memory, image)
    if (!slot.restore())
      throw new TypeError(`memory of ${memory.buffer.byteLength} bytes does not fit an image of ${image.length}`)
    return slot
  },

  release() {},
}

class CopySlot implements MemorySlot {
  readonly #memory: WebAssembly.Memory
  readonly #image: Uint8Array

  constructor(memory: WebAssembly.Memory, image: MemoryImage & { kind: 'copy' }) {
    this.#memory = memory
    this.#image = new Uint8Array(image.bytes)
  }

  restore(): boolean {
    const bytes = new Uint8Array(this.#memory.buffer)
    if (bytes.length !== this.#image.length) return false
    bytes.set(this.#image)
    return true
  }

  grant(): boolean {
    return true
  }

  verify(): boolean {
    const bytes = Buffer.from(this.#memory.buffer)
    return bytes.length === this.#image.length && bytes.equals(this.#image)
  }

  trim(): void {}

  close(): void {}
}
