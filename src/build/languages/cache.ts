import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Built components by the hash of all that went into them. Which files those are only the compiler knows, after it ran: it is
 * written down for each source (`<hash of its path>.inputs.json`), and the next build compares the same files.
 */
export class ComponentCache {
  readonly #folder: string
  readonly #listPath: string
  /** Everything but the inputs that decides about the component. */
  readonly #base: string

  constructor(folder: string, source: string, base: string) {
    this.#folder = folder
    this.#base = base
    this.#listPath = join(folder, `${sha256([source]).slice(0, 32)}.inputs.json`)
  }

  /** The component of the source as it is now, if it was built. */
  async find(): Promise<{ readonly path: string; readonly inputs: readonly string[] } | undefined> {
    const inputs = await this.#inputs()
    const key = inputs && (await this.key(inputs))
    if (inputs === undefined || key === undefined) return undefined
    const path = this.path(key)
    return (await exists(path)) ? { path, inputs } : undefined
  }

  /** Undefined when an input is gone. */
  async key(inputs: readonly string[]): Promise<string | undefined> {
    try {
      const contents = await Promise.all(inputs.map(async (path) => [path, await content(path)]))
      return sha256([this.#base, ...contents.flat()])
    } catch {
      return undefined
    }
  }

  path(key: string): string {
    return join(this.#folder, `${key}.wasm`)
  }

  /** Keeps `component`, built from `inputs` when they had the hash `key`. */
  async put(key: string, inputs: readonly string[], component: Uint8Array): Promise<string> {
    const path = this.path(key)
    await this.#write(path, component)
    await this.#write(this.#listPath, JSON.stringify(inputs))
    return path
  }

  /** Beside its place and renamed: whoever finds the file finds all of it. */
  async #write(path: string, bytes: Uint8Array | string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const draft = `${path}.${process.pid}.${Date.now()}.tmp`
    try {
      await writeFile(draft, bytes)
      await rename(draft, path)
    } finally {
      await rm(draft, { force: true })
    }
  }

  async #inputs(): Promise<readonly string[] | undefined> {
    try {
      const list: unknown = JSON.parse(await readFile(this.#listPath, 'utf8'))
      return Array.isArray(list) && list.every((path) => typeof path === 'string') ? list : undefined
    } catch {
      return undefined
    }
  }
}

/** Of a folder, its list of files: one that is added may be compiled too. */
async function content(path: string): Promise<Buffer | string> {
  if (!(await stat(path)).isDirectory()) return readFile(path)
  const entries = await readdir(path, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort()
    .join('\n')
}

function sha256(parts: readonly (Buffer | string)[]): string {
  const hash = createHash('sha256')
  // With their lengths: no two lists of parts look alike.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest('hex')
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
