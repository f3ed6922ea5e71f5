import type { Account } from '../account.ts'
import { refuse } from './error-code.ts'
import { MountedDirectory, MountedFile } from './mount.ts'

/** Bytes charged for a node or a directory entry beside contents and names, rounded up. */
export const NODE_BYTES = 256

/** Files grow by doubling, but by no more than this at once. */
const MAX_STEP = 4 * 1024 * 1024

const EMPTY = new Uint8Array(0)

/** What all nodes of /tmp have. Times are nanoseconds since the epoch. */
abstract class BaseNode {
  /** Stable for the life of the node; what metadata-hash and is-same-object go by. */
  readonly id: number
  accessed: bigint
  modified: bigint
  changed: bigint
  /** Directory entries that name it. */
  links = 0
  /** Descriptors and streams that keep it although no entry names it. */
  opens = 0

  constructor(id: number, now: bigint) {
    this.id = id
    this.accessed = now
    this.modified = now
    this.changed = now
  }
}

export class FileNode extends BaseNode {
  readonly type = 'file'
  size = 0
  #bytes: Uint8Array = EMPTY
  /** Part of a saved state: to be copied before the first write. */
  #shared = false

  /** Takes `bytes` over as they are, charged by the caller. */
  adopt(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#shared = true
    this.size = bytes.length
  }

  /** What the contents take in memory. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** A view, valid until the next write. */
  read(start: number, length: number): Uint8Array {
    return this.#bytes.subarray(Math.min(start, this.size), Math.min(start + length, this.size))
  }

  write(start: number, bytes: Uint8Array, account: Account): void {
    this.#reserve(Math.max(start + bytes.length, this.size), account)
    this.#bytes.set(bytes, start)
    this.size = Math.max(this.size, start + bytes.length)
  }

  resize(size: number, account: Account): void {
    this.#reserve(size, account)
    if (size < this.size) this.#bytes.fill(0, size, this.size)
    this.size = size
  }

  /** The contents are gone for good. */
  discard(account: Account): void {
    account.release(this.#bytes.length)
    this.#bytes = EMPTY
    this.size = 0
  }

  /** Room for `size` bytes that nobody else holds; what lies beyond the file's size is zero. */
  #reserve(size: number, account: Account): void {
    const capacity = this.#bytes.length
    if (size <= capacity && !this.#shared) return
    const grown = size <= capacity ? capacity : Math.max(size, Math.min(capacity * 2, capacity + MAX_STEP))
    if (!account.tryHold(grown)) refuse('insufficient-space')
    const bytes = allocate(grown)
    if (bytes === undefined) {
      account.release(grown)
      return refuse('insufficient-space')
    }
    bytes.set(this.#bytes.subarray(0, this.size))
    account.release(capacity)
    this.#bytes = bytes
    this.#shared = false
  }
}

export class DirectoryNode extends BaseNode {
  readonly type = 'directory'
  readonly entries = new Map<string, OwnNode>()
}

export class LinkNode extends BaseNode {
  readonly type = 'link'
  readonly target: string

  constructor(id: number, now: bigint, target: string) {
    super(id, now)
    this.target = target
  }
}

/** What a guest can come upon. */
export type Node = FileNode | DirectoryNode | LinkNode | MountedFile | MountedDirectory
export type AnyFile = FileNode | MountedFile
export type AnyDirectory = DirectoryNode | MountedDirectory
/** What is the instance's own, and can be changed. */
export type OwnNode = Exclude<Node, MountedFile | MountedDirectory>

export const isMounted = (node: Node): node is MountedFile | MountedDirectory =>
  node instanceof MountedFile || node instanceof MountedDirectory

/** For whatever changes a node: mounted ones refuse. */
export const ownNode = (node: Node): OwnNode => (isMounted(node) ? refuse('read-only') : node)

export const ownFile = (node: AnyFile): FileNode => (node instanceof MountedFile ? refuse('read-only') : node)

export const ownDirectory = (node: AnyDirectory): DirectoryNode => (node instanceof MountedDirectory ? refuse('read-only') : node)

function allocate(size: number): Uint8Array | undefined {
  try {
    return new Uint8Array(size)
  } catch {
    return undefined
  }
}
