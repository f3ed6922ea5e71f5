import { createHash, type Hash } from 'node:crypto'
import type { FileImage, MountSpec } from '../engine/contract.ts'
import { CHUNK_BYTES, encodeIndex, type ImageFile } from '../engine/files/index-format.ts'
import type { ImageReference, MadeFiles } from '../functions/definition.ts'
import { LAYER_ROOT, TASK_ROOT } from '../functions/managed.ts'
import type { CodeStore } from '../store/code.ts'
import type { Package } from './zip.ts'

/** Unpacks a zip into the code store, where it is held with `holds`. Throws `InvalidParameterValueException` when it is damaged. */
export async function makeImage(zip: Package, code: CodeStore, holds: DisposableStack): Promise<ImageReference> {
  const chunks = new ChunkHasher()
  const found: ImageFile[] = []
  const parts = async function* (): AsyncGenerator<Uint8Array> {
    // The same files give the same image, in whatever order the zip has them.
    for (const path of [...zip.files].toSorted()) {
      const bytes = await zip.read(path)
      found.push({ path, offset: chunks.bytes, bytes: bytes.length })
      chunks.update(bytes)
      yield bytes
    }
  }
  const data = holds.use(await code.putParts(parts()))
  const index = holds.use(await code.put(encodeIndex({ files: found, bytes: chunks.bytes, chunks: chunks.end() })))
  return { index: index.sha256, data: data.sha256 }
}

/** What a version has mounted. */
export function mountsOf({ task, layers }: MadeFiles, code: CodeStore): readonly MountSpec[] {
  const located = ({ index, data }: ImageReference): FileImage => ({
    index: { path: code.path(index), sha256: index },
    data: code.path(data),
  })
  return [
    { path: TASK_ROOT, images: [located(task)] },
    { path: LAYER_ROOT, images: layers.map(located) },
  ]
}

class ChunkHasher {
  bytes = 0
  readonly #hashes: Buffer[] = []
  #open: Hash | undefined

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = CHUNK_BYTES - (this.bytes % CHUNK_BYTES)
      const part = bytes.subarray(at, at + room)
      this.#open = (this.#open ?? createHash('sha256')).update(part)
      this.bytes += part.length
      at += part.length
      if (part.length === room) this.#close()
    }
  }

  end(): Buffer {
    this.#close()
    return Buffer.concat(this.#hashes)
  }

  #close(): void {
    if (this.#open !== undefined) this.#hashes.push(this.#open.digest())
    this.#open = undefined
  }
}
