import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

export interface EngineCacheRules {
  /** What was not used for so long goes. Default 30 days; milliseconds. */
  readonly maxAgeMs?: number
  /** Beyond so much, what was not used for longest goes. Default 1 GiB. */
  readonly maxBytes?: number
  /** What was used within this time stays in any case, so that nothing is built again at once. Default a day; milliseconds. */
  readonly keepMs?: number
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Removes engines of other states of the runtime, which nobody runs any more, from the folder where they are kept. Several processes may have the
 * folder: what one of them misses is built again.
 */
export async function cleanEngineCache(
  folder: string,
  now: number,
  { maxAgeMs = 30 * DAY_MS, maxBytes = 1024 ** 3, keepMs = DAY_MS }: EngineCacheRules = {},
): Promise<void> {
  const files = [...(await list(folder)), ...(await list(join(folder, 'artifacts')))].toSorted((a, b) => b.used - a.used)
  let bytes = 0
  for (const { path, used, size } of files) {
    bytes += size
    const age = now - used
    if (age > maxAgeMs || (bytes > maxBytes && age > keepMs)) await rm(path, { force: true })
  }
}

/** Marks files as used now; those that are not there, or belong to another user, are left alone. */
export async function markUsed(paths: readonly string[]): Promise<void> {
  const now = new Date()
  await Promise.all(paths.map((path) => utimes(path, now, now).catch(() => undefined)))
}

interface Kept {
  readonly path: string
  /** Milliseconds since the epoch. */
  readonly used: number
  readonly size: number
}

async function list(folder: string): Promise<readonly Kept[]> {
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    names.map(async (name): Promise<Kept | undefined> => {
      const path = join(folder, name)
      const info = await stat(path).catch(() => undefined)
      return info?.isFile() === true ? { path, used: info.mtimeMs, size: info.size } : undefined
    }),
  )
  return found.filter((one) => one !== undefined)
}
