import { Kind, Resource } from '../handles.ts'
import type { Host } from '../host.ts'
import { EndedInput } from '../io/ended.ts'
import type { Failure } from '../io/error.ts'
import { CLOSED, DIRECT_PERMIT, EMPTY, OutputStream, type StreamError } from '../io/streams.ts'
import type { Describer, SavedResource } from '../state.ts'
import { FilesystemError, refuse } from './error-code.ts'
import { ownDirectory, ownFile, type AnyDirectory, type AnyFile, type DirectoryNode, type FileNode, type Node } from './node.ts'

/** Bytes charged per entry of an open listing; its names are the tree's. */
const ENTRY_BYTES = 64

/** wasi:filesystem descriptor-flags. */
export const READ = 1
export const WRITE = 2
export const MUTATE_DIRECTORY = 32

export const DESCRIPTOR: Kind<Descriptor> = new Kind('descriptor')
export const DIRECTORY_ENTRIES: Kind<DirectoryEntries> = new Kind('directory-entry-stream')

/** wasi:filesystem/types descriptor. */
export class Descriptor extends Resource {
  override readonly kind = DESCRIPTOR
  readonly node: AnyFile | AnyDirectory
  readonly flags: number
  readonly #host: Host

  constructor(node: AnyFile | AnyDirectory, flags: number, host: Host) {
    super()
    this.node = node
    this.flags = flags
    this.#host = host
    host.tree.open(node)
  }

  /** The directory, for operations on paths in it. */
  directory(): AnyDirectory {
    return this.node.type === 'directory' ? this.node : refuse('not-directory')
  }

  /** The directory, for operations that change it. */
  mutableDirectory(): DirectoryNode {
    const directory = ownDirectory(this.directory())
    if ((this.flags & MUTATE_DIRECTORY) === 0) refuse('not-permitted')
    return directory
  }

  /** The file, to read it. */
  readable(): AnyFile {
    if (this.node.type !== 'file') return refuse('is-directory')
    if ((this.flags & READ) === 0) refuse('bad-descriptor')
    return this.node
  }

  /** The file, to change it. */
  writable(): FileNode {
    if (this.node.type !== 'file') return refuse('is-directory')
    const file = ownFile(this.node)
    if ((this.flags & WRITE) === 0) refuse('bad-descriptor')
    return file
  }

  override close(): void {
    this.#host.tree.close(this.node)
  }

  override describe(describer: Describer): SavedResource {
    return { type: 'descriptor', node: describer.node(this.node), flags: this.flags }
  }
}

/** wasi:filesystem/types directory-entry-stream: the entries as they were when it was opened. */
export class DirectoryEntries extends Resource {
  override readonly kind = DIRECTORY_ENTRIES
  readonly #entries: (readonly [name: string, type: Node['type']])[]
  readonly #host: Host
  readonly #held: number

  constructor(entries: readonly (readonly [name: string, type: Node['type']])[], host: Host) {
    super()
    this.#host = host
    this.#held = entries.length * ENTRY_BYTES
    host.work(this.#held)
    host.account.hold(this.#held, 'a directory listing')
    this.#entries = entries.toReversed()
  }

  override close(): void {
    this.#host.account.release(this.#held)
  }

  next(): readonly [name: string, type: Node['type']] | undefined {
    this.changes++
    return this.#entries.pop()
  }

  override describe(): SavedResource {
    return { type: 'directory-entries', entries: this.#entries.toReversed() }
  }
}

/** Reads a file from a position on; what is appended meanwhile is read too. */
export class FileInput extends EndedInput {
  readonly #node: AnyFile
  readonly #host: Host
  #position: number
  #failure: Failure | undefined
  #failed = false

  constructor(node: AnyFile, position: number, host: Host) {
    super()
    this.#node = node
    this.#position = position
    this.#host = host
    host.tree.open(node)
  }

  override peek(): Uint8Array {
    if (this.#failed || this.#position >= this.#node.size) return EMPTY
    try {
      return this.#host.tree.read(this.#node, this.#position, DIRECT_PERMIT)
    } catch (error) {
      this.#failure = failure('read', error)
      this.#failed = true
      this.changes++
      return EMPTY
    }
  }
  override consume(length: number): void {
    if (length > 0) this.changes++
    this.#position += length
  }
  override end(): StreamError {
    const failure = this.#failure
    this.#failure = undefined
    return failure ?? CLOSED
  }
  override close(): void {
    this.#host.tree.close(this.#node)
  }
  override describe(describer: Describer): SavedResource {
    return { type: 'file-input', node: describer.node(this.#node), position: this.#position }
  }
}

/** Writes a file from a position on, or always at its end. */
export class FileOutput extends OutputStream {
  readonly #node: FileNode
  readonly #host: Host
  #position: number | 'end'
  #closed = false

  constructor(node: FileNode, position: number | 'end', host: Host) {
    super()
    this.#node = node
    this.#position = position
    this.#host = host
    host.tree.open(node)
  }

  override permit(): number {
    return DIRECT_PERMIT
  }
  override write(bytes: Uint8Array): StreamError | undefined {
    const start = this.#position === 'end' ? this.#node.size : this.#position
    try {
      this.#host.tree.write(this.#node, start, bytes)
    } catch (error) {
      this.changes++
      this.#closed = true
      return failure('write', error)
    }
    if (this.#position !== 'end') {
      this.changes++
      this.#position += bytes.length
    }
    return undefined
  }
  override end(): StreamError | undefined {
    return this.#closed ? CLOSED : undefined
  }
  override close(): void {
    this.#host.tree.close(this.#node)
  }
  override describe(describer: Describer): SavedResource {
    return { type: 'file-output', node: describer.node(this.#node), position: this.#position, closed: this.#closed }
  }

  /** As saved: a stream that had failed stays closed. */
  shut(): void {
    this.#closed = true
  }
}

function failure(what: string, error: unknown): Failure {
  if (error instanceof FilesystemError) return { message: `${what} failed: ${error.code}`, filesystem: error.code }
  throw error
}
