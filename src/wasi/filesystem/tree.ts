import type { Account } from '../account.ts'
import { refuse } from './error-code.ts'
import {
  DirectoryNode,
  FileNode,
  isMounted,
  LinkNode,
  NODE_BYTES,
  ownDirectory,
  type AnyDirectory,
  type AnyFile,
  type Node,
  type OwnNode,
} from './node.ts'

/** Longest name and path in bytes of UTF-8, as on Linux; their checks count UTF-16 units times three at worst. */
const MAX_NAME = 255
const MAX_PATH = 4096
/** Symbolic links that one path may go through, as on Linux. */
const MAX_LINKS_FOLLOWED = 40
/** What one name or node on a way is worth in work. */
const STEP_WORK = 64

/** Where a path ends: the directory, the name in it, and the node if there is one. */
export interface Place {
  readonly directory: AnyDirectory
  /** '' when the path names the start directory or one above the last name (`.`, `a/..`). */
  readonly name: string
  readonly node: Node | undefined
  /** The path ended in a slash: only a directory will do. */
  readonly mustBeDirectory: boolean
}

/** The files of one instance: a tree in memory, every byte charged. Refusals are `FilesystemError`s. */
export class Tree {
  root: DirectoryNode
  nextId = 1
  /** Counts changes since the tree was made from a saved state. */
  changes = 0
  readonly account: Account
  readonly #now: () => bigint

  readonly #work: (units: number) => void

  /** `work` is told of long walks. */
  constructor(account: Account, now: () => bigint, work: (units: number) => void) {
    this.#work = work
    this.account = account
    this.#now = now
    this.root = new DirectoryNode(0, 0n)
    this.root.links = 1
  }

  /** Marks `node` as changed now. */
  touch(node: OwnNode): void {
    this.changes++
    const now = this.#now()
    node.modified = now
    node.changed = now
  }

  newFile(place: Place): FileNode {
    const node = new FileNode(this.nextId, this.#now())
    this.#attach(place, node)
    return node
  }

  newDirectory(place: Place): DirectoryNode {
    const node = new DirectoryNode(this.nextId, this.#now())
    this.#attach(place, node)
    return node
  }

  newLink(place: Place, target: string): void {
    if (target === '') refuse('invalid')
    splitPath(target)
    if (!this.account.tryHold(target.length)) refuse('insufficient-space')
    this.#attach(place, new LinkNode(this.nextId, this.#now(), target))
  }

  /** Another name for a node. */
  link(place: Place, node: OwnNode): void {
    const directory = ownDirectory(place.directory)
    if (directory.links === 0) refuse('no-entry')
    if (!this.account.tryHold(NODE_BYTES + place.name.length * 2)) refuse('insufficient-space')
    directory.entries.set(place.name, node)
    node.links++
    this.touch(directory)
  }

  /** Takes the name away, and the node when nothing else holds it. */
  unlink(place: Place): void {
    const directory = ownDirectory(place.directory)
    const node = directory.entries.get(place.name) ?? refuse('no-entry')
    directory.entries.delete(place.name)
    this.account.release(NODE_BYTES + place.name.length * 2)
    node.links--
    this.touch(directory)
    this.#collect(node)
  }

  open(node: Node): void {
    if (!isMounted(node)) node.opens++
  }

  close(node: Node): void {
    if (isMounted(node)) return
    node.opens--
    this.#collect(node)
  }

  /** A view, valid until the next write; of a mounted file perhaps less than asked for. */
  read(node: AnyFile, start: number, length: number): Uint8Array {
    return isMounted(node) ? node.read(start, length, this.#work) : node.read(start, length)
  }

  write(node: FileNode, start: number, bytes: Uint8Array): void {
    // a write beyond the end fills what lies between
    this.#work(Math.max(start + bytes.length - node.capacity, 0))
    node.write(start, bytes, this.account)
    this.touch(node)
  }

  resize(node: FileNode, size: number): void {
    this.#work(Math.abs(size - node.size))
    node.resize(size, this.account)
    this.touch(node)
  }

  /** Sets times; undefined leaves them. */
  setTimes(node: Node, accessed: bigint | undefined, modified: bigint | undefined): void {
    if (isMounted(node)) return refuse('read-only')
    this.changes++
    node.accessed = accessed ?? node.accessed
    node.modified = modified ?? node.modified
    node.changed = this.#now()
  }

  /** Whether `directory` is `node` or below it. */
  contains(node: DirectoryNode, directory: AnyDirectory): boolean {
    const pending = [node]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next === directory) return true
      this.#work(next.entries.size * STEP_WORK)
      for (const entry of next.entries.values()) if (entry.type === 'directory') pending.push(entry)
    }
    return false
  }

  /** Walks a relative path; it never leaves `start` (no `..` above it, no absolute links). */
  walk(start: AnyDirectory, path: string, followLast: boolean): Place {
    if (path === '') refuse('no-entry')
    const stack = [start]
    const names = splitPath(path).toReversed()
    this.#work(names.length * STEP_WORK)
    let place: Place = { directory: start, name: '', node: start, mustBeDirectory: path.endsWith('/') }
    let followed = 0
    while (names.length > 0) {
      const name = names.pop() ?? ''
      const last = names.length === 0
      const directory = stack.at(-1) ?? start
      if (name === '.' || name === '..') {
        if (name === '..') {
          if (stack.length === 1) refuse('not-permitted')
          stack.pop()
        }
        const here = stack.at(-1) ?? start
        place = { ...place, directory: here, name: '', node: here }
        continue
      }
      const node = directory.entries.get(name)
      place = { ...place, directory, name, node }
      if (node?.type === 'link' && (!last || followLast || place.mustBeDirectory)) {
        if (++followed > MAX_LINKS_FOLLOWED) refuse('loop')
        const target = splitPath(node.target).toReversed()
        this.#work(target.length * STEP_WORK)
        names.push(...target)
        place = { ...place, name: '', node: directory }
        continue
      }
      if (last) break
      if (node === undefined) refuse('no-entry')
      if (node.type !== 'directory') return refuse('not-directory')
      stack.push(node)
    }
    if (place.mustBeDirectory && place.node !== undefined && place.node.type !== 'directory') refuse('not-directory')
    return place
  }

  #attach(place: Place, node: OwnNode): void {
    const directory = ownDirectory(place.directory)
    // a directory that was removed while open takes nothing any more
    if (directory.links === 0) refuse('no-entry')
    if (!this.account.tryHold(NODE_BYTES * 2 + place.name.length * 2)) {
      if (node.type === 'link') this.account.release(node.target.length)
      refuse('insufficient-space')
    }
    this.nextId++
    directory.entries.set(place.name, node)
    node.links++
    this.touch(directory)
  }

  #collect(node: OwnNode): void {
    if (node.links > 0 || node.opens > 0) return
    this.changes++
    this.account.release(NODE_BYTES)
    if (node.type === 'file') node.discard(this.account)
    else if (node.type === 'link') this.account.release(node.target.length)
  }
}

/** The names of a relative path; refuses what no file system would take. */
function splitPath(path: string): string[] {
  if (path.startsWith('/')) refuse('not-permitted')
  if (path.length > MAX_PATH) refuse('name-too-long')
  if (path.includes('\0')) refuse('invalid')
  const names = path.split('/').filter((name) => name !== '')
  for (const name of names) if (tooLong(name)) refuse('name-too-long')
  return names
}

function tooLong(name: string): boolean {
  return name.length > MAX_NAME || (name.length * 3 > MAX_NAME && new TextEncoder().encode(name).length > MAX_NAME)
}
