import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { watch, type FSWatcher } from 'chokidar'

/** Some editors write a file in several steps, and a branch that is checked out changes many: what comes within so many milliseconds is one change. */
const GATHER_MS = 15

/** What a file that is not there has in place of a hash. */
const MISSING = ''

/** Hashes of what files hold (SHA-256, hex); `''` for one that cannot be read. */
export async function hashFiles(paths: Iterable<string>): Promise<Map<string, string>> {
  return new Map(await Promise.all([...paths].map(async (path) => [path, await hashFile(path)] as const)))
}

async function hashFile(path: string): Promise<string> {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  } catch {
    return MISSING
  }
}

/** Tells when files may have changed. Files that are not there (yet) can be watched as well. */
export class InputWatcher {
  readonly #watcher: FSWatcher
  readonly #onChange: (paths: ReadonlySet<string>) => void
  #watched: ReadonlySet<string> = new Set()
  #changed = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(onChange: (paths: ReadonlySet<string>) => void) {
    this.#onChange = onChange
    this.#watcher = watch([], { ignoreInitial: true })
    this.#watcher.on('all', (_, path) => this.#gather(path))
    // What cannot be watched (a limit of the system) must not end the server: the author still has the files.
    this.#watcher.on('error', () => undefined)
  }

  /** From now on these files, absolute paths, and no others. */
  set(paths: ReadonlySet<string>): void {
    const added = [...paths].filter((path) => !this.#watched.has(path))
    const gone = [...this.#watched].filter((path) => !paths.has(path))
    this.#watched = new Set(paths)
    if (gone.length > 0) this.#watcher.unwatch(gone)
    if (added.length > 0) this.#watcher.add(added)
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#watcher.close()
  }

  #gather(path: string): void {
    if (!this.#watched.has(path)) return
    this.#changed.add(path)
    this.#timer ??= setTimeout(() => {
      const changed = this.#changed
      this.#changed = new Set()
      this.#timer = undefined
      this.#onChange(changed)
    }, GATHER_MS)
  }
}
