import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nameDurably, readIfThere, writeFlushed } from '../disk/durable.ts'
import { AmpouleError } from '../errors.ts'
import type { Store } from './contract.ts'

/** Files by the SHA-256 of their content: zips of functions and layers, scripts, source maps. */
export interface CodeStore {
  /**
   * Keeps the bytes; they are on disk under their name when this resolves. They stay at least until the hold is disposed of: commit the
   * record that references them before. What none references then is removed soon.
   */
  put(bytes: Uint8Array): Promise<CodeHold>
  /** The same for what is too large to be in memory as a whole. Rejects as it is when `parts` do. */
  putParts(parts: AsyncIterable<Uint8Array>): Promise<CodeHold>
  /** Undefined when there is none. Rejects with `Internal` when what is on disk does not match its name. */
  read(sha256: string): Promise<Buffer | undefined>
  /** In bytes, undefined when there is none; it is not looked into. */
  size(sha256: string): Promise<number | undefined>
  /** Where the file is, for whoever wants a path (source maps). */
  path(sha256: string): string
  /** Removes those of these files that no record references and nobody holds. */
  collect(hashes: Iterable<string>): Promise<void>
  /** The same for all files, and for what a crash has left behind. */
  collectAll(): Promise<void>
}

export interface CodeHold extends Disposable {
  /** Hex. */
  readonly sha256: string
  readonly bytes: number
}

/** Where files are while they are written. */
const INCOMING = 'incoming'

/** Hashes are asked for in portions, as a list of all files need not fit into a message. */
const PORTION = 1_000

export async function openCodeStore(folder: string, store: Pick<Store, 'unreferenced'>): Promise<CodeStore> {
  await mkdir(join(folder, INCOMING), { recursive: true, mode: 0o700 })
  return new FolderCodeStore(folder, store)
}

class FolderCodeStore implements CodeStore {
  readonly #folder: string
  readonly #store: Pick<Store, 'unreferenced'>
  readonly #holds = new Map<string, number>()
  /** Not held any more, and not looked at since. */
  readonly #unchecked = new Set<string>()
  /** Names of files that are being written. */
  readonly #writing = new Set<string>()
  /** The last removal, done or not: while one is under way, nothing may count on a file that it may be about to remove. */
  #collected: Promise<void> = Promise.resolve()

  constructor(folder: string, store: Pick<Store, 'unreferenced'>) {
    this.#folder = folder
    this.#store = store
  }

  async put(bytes: Uint8Array): Promise<CodeHold> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await using temporary = this.#temporary()
    return await this.#keep(sha256, bytes.length, temporary.path, () => writeFlushed(temporary.path, [bytes]))
  }

  async putParts(parts: AsyncIterable<Uint8Array>): Promise<CodeHold> {
    const hash = createHash('sha256')
    let bytes = 0
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const part of parts) {
        hash.update(part)
        bytes += part.length
        yield part
      }
    }
    await using temporary = this.#temporary()
    await writeFlushed(temporary.path, counted())
    return await this.#keep(hash.digest('hex'), bytes, temporary.path)
  }

  /** What is at `temporary`, or is there when `write` has written it, gets its name unless it is there. */
  async #keep(sha256: string, bytes: number, temporary: string, write?: () => Promise<void>): Promise<CodeHold> {
    this.#holds.set(sha256, (this.#holds.get(sha256) ?? 0) + 1)
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      const left = (this.#holds.get(sha256) ?? 1) - 1
      if (left > 0) return void this.#holds.set(sha256, left)
      this.#holds.delete(sha256)
      this.#released(sha256)
    }
    try {
      // A removal that has found it without a hold may be removing it now.
      await this.#collected
      const path = this.path(sha256)
      if (!(await isIntact(path, sha256, bytes))) {
        await write?.()
        await nameDurably(temporary, path)
      }
    } catch (error) {
      release()
      throw new AmpouleError(
        'Internal',
        'code could not be stored: is the data folder writable, and is there room on its disk?',
        { cause: error },
      )
    }
    return { sha256, bytes, [Symbol.dispose]: release }
  }

  async read(sha256: string): Promise<Buffer | undefined> {
    const bytes = await readIfThere(this.path(sha256))
    if (bytes === undefined) return undefined
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new AmpouleError('Internal', `the stored code ${sha256} does not match its hash: deploy it again`)
    return bytes
  }

  async size(sha256: string): Promise<number | undefined> {
    return (await stat(this.path(sha256)).catch(() => undefined))?.size
  }

  path(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new AmpouleError('Internal', 'a hash has 64 hexadecimal digits')
    return join(this.#folder, sha256.slice(0, 2), sha256)
  }

  collect(hashes: Iterable<string>): Promise<void> {
    return this.#inTurn(() => this.#remove([...hashes]))
  }

  collectAll(): Promise<void> {
    return this.#inTurn(async () => {
      for (const part of await readdir(this.#folder)) {
        const names = await readdir(join(this.#folder, part))
        const isHash = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)
        // Only one host has the folder, and this one is not writing any.
        for (const name of names)
          if (!isHash(name) && !this.#writing.has(name)) await rm(join(this.#folder, part, name), { force: true })
        await this.#remove(names.filter(isHash))
      }
    })
  }

  async #remove(hashes: readonly string[]): Promise<void> {
    for (let at = 0; at < hashes.length; at += PORTION) {
      const free = await this.#store.unreferenced(hashes.slice(at, at + PORTION))
      // Looked at again right before the removal: `put` takes its hold before it looks for the file.
      for (const hash of free) if (!this.#holds.has(hash)) await rm(this.path(hash), { force: true })
    }
  }

  /** Whatever was refused after it was put has no record. A few are looked at together; what fails is found by the next `collectAll`. */
  #released(sha256: string): void {
    if (this.#unchecked.size === 0)
      setImmediate(() => {
        const hashes = [...this.#unchecked]
        this.#unchecked.clear()
        this.collect(hashes).catch(() => undefined)
      })
    this.#unchecked.add(sha256)
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#collected.then(work)
    this.#collected = done.catch(() => undefined)
    return done
  }

  #temporary(): AsyncDisposable & { readonly path: string } {
    const name = `${randomUUID()}.tmp`
    const path = join(this.#folder, INCOMING, name)
    this.#writing.add(name)
    return {
      path,
      [Symbol.asyncDispose]: async () => {
        await rm(path, { force: true })
        this.#writing.delete(name)
      },
    }
  }
}

async function isIntact(path: string, sha256: string, bytes: number): Promise<boolean> {
  if ((await stat(path).catch(() => undefined))?.size !== bytes) return false
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex') === sha256
}
