import type { Mount, MountedContents } from '../../wasi/contract.ts'
import { createMount } from '../../wasi/filesystem/mount.ts'
import { AmpouleError } from '../../errors.ts'
import type { FunctionSpec, MountSpec } from '../contract.ts'
import { ChunkCache, OpenImage } from './image.ts'

/** Chunks of files that a thread keeps in memory, of all functions together; bytes. */
const CACHE_BYTES = 16 * 1024 * 1024

/** Mounts of a function, in use until it is disposed of. */
export interface MountLease extends Disposable {
  readonly mounts: readonly Mount[]
}

/** The mounts of all functions in one thread: images and trees that several of them have are there once. */
export class Mounts {
  readonly #images = new Shared<OpenImage>()
  readonly #trees = new Shared<Mount>()
  readonly #cache = new ChunkCache(CACHE_BYTES)

  /** Images that are open. */
  get open(): number {
    return this.#images.size
  }

  /** Throws `Internal` when an image is missing or damaged. */
  take({ name, mounts: specs = [] }: Pick<FunctionSpec, 'name' | 'mounts'>): MountLease {
    using taken = new DisposableStack()
    try {
      const mounts = specs.map((spec, number) => this.#take(spec, number, taken))
      const held = taken.move()
      return { mounts, [Symbol.dispose]: () => held.dispose() }
    } catch (error) {
      throw new AmpouleError('Internal', `the files of function ${name} cannot be read: deploy it again`, { cause: error })
    }
  }

  #take({ path, images }: MountSpec, number: number, taken: DisposableStack): Mount {
    const opened = images.map((image) => this.#images.take(image.index.sha256, () => new OpenImage(image, this.#cache), taken))
    const key = [number, path, ...images.map(({ index }) => index.sha256)].join(' ')
    return this.#trees.take(
      key,
      () => {
        const files = new Map<string, MountedContents>()
        // Later images lie over earlier ones.
        for (const image of opened) for (const file of image.index.files) files.set(file.path, image.contentsOf(file))
        return createMount(path, number, files)
      },
      taken,
    )
  }
}

/** Things by name, each made once and disposed of after its last user. */
class Shared<T extends object> {
  readonly #all = new Map<string, { readonly value: T; users: number }>()

  get size(): number {
    return this.#all.size
  }

  take(name: string, make: () => T, taken: DisposableStack): T {
    const own = this.#all.get(name) ?? { value: make(), users: 0 }
    own.users++
    this.#all.set(name, own)
    taken.defer(() => {
      if (--own.users > 0) return
      this.#all.delete(name)
      if (own.value instanceof OpenImage) own.value[Symbol.dispose]()
    })
    return own.value
  }
}
