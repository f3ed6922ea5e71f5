import { stat } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'

/** The file of that name in the folder of `source`, or in the nearest one above it. */
export async function findManifest(source: string, name: string): Promise<string | undefined> {
  for (let folder = dirname(source); ; folder = dirname(folder)) {
    const path = join(folder, name)
    if (await isThere(path)) return path
    if (folder === parse(folder).root) return undefined
  }
}

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
