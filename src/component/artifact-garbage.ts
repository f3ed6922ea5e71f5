import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HEADER_AT, headerEnd, modulesOf } from './artifact-file.ts'

/** Which artifacts of a folder need which core modules, so that a module goes with the last that needs it. Nobody may write meanwhile. */
export class ArtifactGarbage {
  readonly #folder: string
  /** By artifact; undefined until it is asked for. */
  #needs: Map<string, readonly string[]> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** An artifact that has just been written. */
  added(id: string, modules: readonly string[]): void {
    this.#needs?.set(id, modules)
  }

  async artifacts(): Promise<readonly string[]> {
    return [...(await this.#read()).keys()]
  }

  /** Removes artifacts, then the modules that no other needs: what a crash leaves between is found by `sweep`. */
  async remove(ids: readonly string[]): Promise<void> {
    const needs = await this.#read()
    const candidates = new Set<string>()
    for (const id of ids) {
      await rm(join(this.#folder, `${id}.artifact`), { force: true })
      for (const module of needs.get(id) ?? []) candidates.add(module)
      needs.delete(id)
    }
    if (candidates.size === 0) return
    const needed = new Set([...needs.values()].flat())
    for (const module of candidates) if (!needed.has(module)) await rm(join(this.#folder, `${module}.module`), { force: true })
  }

  /** Removes what no artifact needs, and files that were never finished. */
  async sweep(): Promise<void> {
    const needed = new Set([...(await this.#read()).values()].flat())
    for (const name of await readdir(this.#folder)) {
      const module = /^([0-9a-f]{64})\.module$/.exec(name)?.[1]
      if (name.endsWith('.tmp') || (module !== undefined && !needed.has(module)))
        await rm(join(this.#folder, name), { force: true })
    }
  }

  async #read(): Promise<Map<string, readonly string[]>> {
    if (this.#needs !== undefined) return this.#needs
    const found = new Map<string, readonly string[]>()
    for (const name of await readdir(this.#folder)) {
      const id = /^([0-9a-f]{64})\.artifact$/.exec(name)?.[1]
      if (id !== undefined) found.set(id, modulesOf(await readHead(join(this.#folder, name))))
    }
    return (this.#needs = found)
  }
}

/** What comes before the data, which can be megabytes. */
async function readHead(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const prefix = Buffer.alloc(HEADER_AT)
    const { bytesRead } = await file.read(prefix, 0, HEADER_AT, 0)
    const { size } = await file.stat()
    const head = Buffer.alloc(Math.min(size, bytesRead < HEADER_AT ? bytesRead : headerEnd(prefix)))
    await file.read(head, 0, head.length, 0)
    return head
  } finally {
    await file.close()
  }
}
