import type { Mount, MountedContents } from '../contract.ts'
import { refuse } from './error-code.ts'

/** What reading once from a mounted file is worth in work, however little is read: a piece is read from disk and its hash compared. */
const READ_WORK = 1_000_000

/** Ids of mounted nodes lie above all that a /tmp can have. */
const IDS_PER_MOUNT = 2 ** 32

/** What all nodes of mounts have. Nothing of it ever changes, so all instances of a thread share them. */
abstract class MountedNode {
  readonly id: number
  /** Where it is mounted, and where it is there: what a snapshot names it by. '' is the mount's own folder. */
  readonly mount: string
  readonly path: string
  readonly accessed = 0n
  readonly modified = 0n
  readonly changed = 0n
  readonly links = 1

  constructor(id: number, mount: string, path: string) {
    this.id = id
    this.mount = mount
    this.path = path
  }
}

/** A file that can be read and nothing else. */
export class MountedFile extends MountedNode {
  readonly type = 'file'
  readonly #contents: MountedContents

  constructor(id: number, mount: string, path: string, contents: MountedContents) {
    super(id, mount, path)
    this.#contents = contents
  }

  get size(): number {
    return this.#contents.size
  }

  /**
   * At least one byte where there is one; perhaps fewer than asked for. `work` is told the same whether the bytes were in memory or not:
   * fuel must not depend on what others have read.
   */
  read(start: number, length: number, work: (units: number) => void): Uint8Array {
    work(READ_WORK)
    return this.#contents.read(start, length) ?? refuse('io')
  }
}

/** A folder of a mount. */
export class MountedDirectory extends MountedNode {
  readonly type = 'directory'
  readonly entries = new Map<string, MountedFile | MountedDirectory>()
}

/** The files as a tree. No file may be another's folder. */
export function createMount(path: string, number: number, files: ReadonlyMap<string, MountedContents>): Mount {
  let id = (number + 1) * IDS_PER_MOUNT
  const root = new MountedDirectory(id++, path, '')
  for (const [file, contents] of files) {
    const names = file.split('/')
    const last = names.pop() ?? ''
    let folder = root
    let at = ''
    for (const name of names) {
      at = at === '' ? name : `${at}/${name}`
      let next = folder.entries.get(name)
      if (next === undefined) folder.entries.set(name, (next = new MountedDirectory(id++, path, at)))
      if (next.type === 'file') throw new RangeError(`the mount ${path} has ${at} both as a file and as a folder`)
      folder = next
    }
    folder.entries.set(last, new MountedFile(id++, path, file, contents))
  }
  return { path, root }
}

/** The node at a path that a snapshot has named. */
export function findMounted(root: MountedDirectory, path: string): MountedFile | MountedDirectory | undefined {
  let node: MountedFile | MountedDirectory | undefined = root
  for (const name of path === '' ? [] : path.split('/')) {
    if (node?.type !== 'directory') return undefined
    node = node.entries.get(name)
  }
  return node
}
