import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeImage } from '../../../src/control/image.ts'
import type { FileImage } from '../../../src/engine/contract.ts'
import { openCodeStore } from '../../../src/store/code.ts'

export type Files = Readonly<Record<string, string | Uint8Array>>

/** Images in a folder of their own. */
export class ImageFolder implements AsyncDisposable {
  readonly #holds = new DisposableStack()
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(): Promise<ImageFolder> {
    return new ImageFolder(await mkdtemp(join(tmpdir(), 'ampoule-images-')))
  }

  async make(files: Files): Promise<FileImage> {
    const code = await openCodeStore(this.#folder, { unreferenced: (hashes) => Promise.resolve(hashes) })
    const zip = {
      files: new Set(Object.keys(files)),
      unzippedBytes: 0,
      read: (path: string) => Promise.resolve(Buffer.from(files[path] ?? '')),
    }
    const { index, data } = await makeImage(zip, code, this.#holds)
    return { index: { path: code.path(index), sha256: index }, data: code.path(data) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holds.dispose()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
