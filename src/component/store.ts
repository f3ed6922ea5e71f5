import { createHash, randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nameDurably, readIfThere, writeFlushed } from '../disk/durable.ts'
import { AmpouleError } from '../errors.ts'
import { ArtifactGarbage } from './artifact-garbage.ts'
import { DamagedArtifact, decodeArtifact } from './artifact-file.ts'
import { MAX_COMPONENT_BYTES, artifactIdOfDigest, requireSize } from './artifact.ts'
import { compileOffThread } from './compile-thread.ts'
import { requireSupport } from './support.ts'
import type { IsSupported } from '../wasi/contract.ts'
import type { CompileLimits, Compiled } from './compile-thread.ts'
import type { Artifact } from './contract.ts'

export interface ArtifactStoreOptions extends Partial<CompileLimits> {
  readonly isSupported: IsSupported
  /** Components that are worked on at once, each on a thread of its own. Default 1. */
  readonly compileThreads?: number
  /** Default: everything is referred to, and nothing is collected. */
  readonly unreferenced?: Unreferenced
}

/** Artifacts on disk, by content. Nothing is ever changed in place, so several processes may share a folder. */
export interface ArtifactStore {
  /**
   * The component's artifact: from disk, or made (once, however often the same content is put at the same time) on another thread
   * and kept. An entry that is damaged is made again. Rejects like `createArtifact`, and with `Internal` when the folder cannot be
   * written; nothing is kept then.
   */
  put(component: Uint8Array): Promise<Artifact>
  /** Undefined when there is none. Rejects with `Internal` when what is on disk is damaged: `put` of the component repairs it. */
  load(id: string): Promise<Artifact | undefined>
  /** Keeps the artifact with this id from being collected until it is disposed of: to be taken before `put`. */
  hold(id: string): Disposable
  /** Removes those of these artifacts that nothing refers to and nobody holds, with the core modules that only they have. */
  collect(ids: Iterable<string>): Promise<void>
  /** The same for all artifacts, and for what a crash has left behind. Only for a folder that no other process has. */
  collectAll(): Promise<void>
}

/** Which of these ids nothing refers to. */
export type Unreferenced = (ids: readonly string[]) => Promise<readonly string[]>

/** Opens the folder (made when it is not there). `compileTimeoutMs` is 120,000 by default, `maxComponentBytes` 100 MiB. */
export async function openArtifactStore(folder: string, options: ArtifactStoreOptions): Promise<ArtifactStore> {
  await mkdir(folder, { recursive: true })
  return new FolderStore(folder, options)
}

class FolderStore implements ArtifactStore {
  readonly #folder: string
  readonly #isSupported: IsSupported
  readonly #limits: CompileLimits
  readonly #pending = new Map<string, Promise<Artifact>>()
  /** Core modules that somebody still holds, by hash. */
  readonly #modules = new Map<string, WeakRef<Uint8Array<ArrayBuffer>>>()
  readonly #waiting: (() => void)[] = []
  readonly #holds = new Map<string, number>()
  readonly #unreferenced: Unreferenced
  readonly #garbage: ArtifactGarbage
  /** What has the folder for itself: modules are written together with the artifact that needs them, or removed. */
  #turn: Promise<unknown> = Promise.resolve()
  #free: number

  constructor(folder: string, options: ArtifactStoreOptions) {
    this.#folder = folder
    this.#isSupported = options.isSupported
    this.#limits = {
      maxComponentBytes: options.maxComponentBytes ?? MAX_COMPONENT_BYTES,
      compileTimeoutMs: options.compileTimeoutMs ?? 120_000,
    }
    this.#free = options.compileThreads ?? 1
    this.#unreferenced = options.unreferenced ?? (() => Promise.resolve([]))
    this.#garbage = new ArtifactGarbage(folder)
  }

  async put(component: Uint8Array): Promise<Artifact> {
    requireSize(component.length, this.#limits.maxComponentBytes)
    // A copy: the caller may change its buffer while the work is going on, and then the id would not be that of the content.
    const bytes = new Uint8Array(component)
    const id = artifactIdOfDigest(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
    const pending = this.#pending.get(id)
    if (pending !== undefined) return pending
    const made = this.#readOrMake(id, bytes).finally(() => this.#pending.delete(id))
    this.#pending.set(id, made)
    return made
  }

  async load(id: string): Promise<Artifact | undefined> {
    try {
      return await this.#read(id)
    } catch (error) {
      if (!(error instanceof DamagedArtifact)) throw error
      throw new AmpouleError('Internal', `the stored artifact ${id} is damaged (${error.message}): deploy its component again`, {
        cause: error,
      })
    }
  }

  hold(id: string): Disposable {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1)
    const stack = new DisposableStack()
    stack.defer(() => {
      const left = (this.#holds.get(id) ?? 1) - 1
      if (left === 0) this.#holds.delete(id)
      else this.#holds.set(id, left)
    })
    return stack
  }

  collect(ids: Iterable<string>): Promise<void> {
    return this.#inTurn(() => this.#collect([...ids]))
  }

  collectAll(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#collect(await this.#garbage.artifacts())
      await this.#garbage.sweep()
    })
  }

  async #collect(ids: readonly string[]): Promise<void> {
    const free = await this.#unreferenced(ids)
    // A hold may have been taken meanwhile; one that is taken later finds nothing, and has it made again in its turn.
    await this.#garbage.remove(free.filter((id) => !this.#holds.has(id) && !this.#pending.has(id)))
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  #path(id: string): string {
    if (!/^[0-9a-f]{64}$/.test(id)) throw new AmpouleError('InvalidRequest', 'an artifact id is 64 hexadecimal digits')
    return join(this.#folder, `${id}.artifact`)
  }

  async #read(id: string): Promise<Artifact | undefined> {
    const file = await readIfThere(this.#path(id))
    return file === undefined
      ? undefined
      : await decodeArtifact(new Uint8Array(file.buffer, file.byteOffset, file.length), id, (hash) => this.#readModule(hash))
  }

  async #readModule(hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#modules.get(hash)?.deref()
    if (known !== undefined) return known
    const file = await readIfThere(this.#modulePath(hash))
    if (file === undefined) throw new DamagedArtifact(`its core module ${hash} is missing`)
    if (createHash('sha256').update(file).digest('hex') !== hash)
      throw new DamagedArtifact(`its core module ${hash} does not match its hash`)
    const bytes = new Uint8Array(file.buffer, file.byteOffset, file.length)
    this.#modules.set(hash, new WeakRef(bytes))
    return bytes
  }

  #modulePath(hash: string): string {
    return join(this.#folder, `${hash}.module`)
  }

  async #readOrMake(id: string, component: Uint8Array<ArrayBuffer>): Promise<Artifact> {
    const kept = await this.#inTurn(() => this.#read(id)).catch((error: unknown) => {
      if (error instanceof DamagedArtifact) return undefined
      throw error
    })
    if (kept !== undefined) {
      // Another host may have written it, or this one before it was configured otherwise.
      requireSupport(kept.plan, this.#isSupported)
      return kept
    }
    const { artifact, file } = await this.#make(component, id)
    await this.#inTurn(async () => {
      // The artifact comes last: what it names is there when it is.
      for (const { hash, bytes } of artifact.modules) {
        if (!(await this.#isIntact(hash))) await this.#write(this.#modulePath(hash), [bytes])
        this.#modules.set(hash, new WeakRef(bytes))
      }
      await this.#write(this.#path(id), file)
      this.#garbage.added(
        id,
        artifact.modules.map(({ hash }) => hash),
      )
    })
    return artifact
  }

  async #isIntact(hash: string): Promise<boolean> {
    const bytes = await readIfThere(this.#modulePath(hash))
    return bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === hash
  }

  async #make(component: Uint8Array<ArrayBuffer>, id: string): Promise<Compiled> {
    await this.#acquire()
    try {
      return await compileOffThread(component, id, this.#limits, (plan) => requireSupport(plan, this.#isSupported))
    } finally {
      this.#release()
    }
  }

  async #acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  /** Complete and on disk before it has its name; a crash leaves at most a temporary file behind. */
  async #write(path: string, parts: readonly Uint8Array[]): Promise<void> {
    const temporary = `${path}.${randomUUID()}.tmp`
    try {
      await writeFlushed(temporary, parts)
      await nameDurably(temporary, path)
    } catch (error) {
      throw new AmpouleError(
        'Internal',
        'an artifact could not be stored: is the cache folder writable, and is there room on its disk?',
        { cause: error },
      )
    }
  }
}
