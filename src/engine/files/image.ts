import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { MountedContents } from '../../wasi/contract.ts'
import type { FileImage } from '../contract.ts'
import { CHUNK_BYTES, decodeIndex, isChunk, type ImageFile, type ImageIndex } from './index-format.ts'

/** The chunks of all images that a thread has in memory; the least recently used one goes first. */
export class ChunkCache {
  readonly #most: number
  readonly #chunks = new Map<string, Uint8Array>()

  constructor(maxBytes: number) {
    this.#most = Math.max(1, Math.floor(maxBytes / CHUNK_BYTES))
  }

  get bytes(): number {
    return this.#chunks.size * CHUNK_BYTES
  }

  get(key: string): Uint8Array | undefined {
    const found = this.#chunks.get(key)
    if (found === undefined) return undefined
    this.#chunks.delete(key)
    this.#chunks.set(key, found)
    return found
  }

  put(key: string, chunk: Uint8Array): void {
    this.#chunks.set(key, chunk)
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= this.#most) return
      this.#chunks.delete(oldest)
    }
  }
}

/**
 * The files of an image, read from disk when they are asked for, and verified chunk by chunk. The file stays open, so what runs goes on when
 * its code is removed meanwhile.
 */
export class OpenImage implements Disposable {
  readonly index: ImageIndex
  readonly #key: string
  readonly #cache: ChunkCache
  #file: number | undefined

  /** Throws when the index is not what it should be, or the files are not there. */
  constructor({ index, data }: FileImage, cache: ChunkCache) {
    this.index = decodeIndex(readFileSync(index.path), index.sha256)
    this.#key = index.sha256
    this.#cache = cache
    this.#file = openSync(data, 'r')
  }

  contentsOf({ offset, bytes: size }: ImageFile): MountedContents {
    return {
      size,
      read: (start, length) => {
        const wanted = Math.min(length, size - start)
        if (wanted <= 0) return new Uint8Array(0)
        const at = offset + start
        const number = Math.floor(at / CHUNK_BYTES)
        const within = at - number * CHUNK_BYTES
        return this.#chunk(number)?.subarray(within, within + wanted)
      },
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** Undefined when it cannot be read, or is not what it was. */
  #chunk(number: number): Uint8Array | undefined {
    const key = `${this.#key}:${number}`
    const known = this.#cache.get(key)
    if (known !== undefined) return known
    if (this.#file === undefined) return undefined
    const position = number * CHUNK_BYTES
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, this.index.bytes - position))
    try {
      let read = 0
      while (read < bytes.length) {
        const more = readSync(this.#file, bytes, read, bytes.length - read, position + read)
        if (more === 0) return undefined
        read += more
      }
    } catch {
      return undefined
    }
    if (!isChunk(this.index, number, bytes)) return undefined
    this.#cache.put(key, bytes)
    return bytes
  }
}
