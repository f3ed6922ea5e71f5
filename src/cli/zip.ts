import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { buffer } from 'node:stream/consumers'
import yazl from 'yazl'

/** A zip holds local times: the same files are to be the same bytes, whenever and wherever they are packed. */
const TIME = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644 } as const

/** A zip of these files by their paths, in their order, and in nothing different from one made earlier. */
export async function zipFiles(files: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  const zip = new yazl.ZipFile()
  for (const [path, content] of files)
    zip.addBuffer(Buffer.from(content.buffer, content.byteOffset, content.byteLength), path, TIME)
  zip.end()
  return new Uint8Array(await buffer(zip.outputStream))
}

/** A zip of all files of a folder; links are followed, since a host takes none. Rejects with `ELOOP` where they lead in a circle. */
export async function zipFolder(folder: string): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const path of (await pathsBelow(folder)).toSorted())
    files.set(relative(folder, path).replaceAll(sep, '/'), await readFile(path))
  return zipFiles(files)
}

async function pathsBelow(folder: string): Promise<string[]> {
  const paths: string[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await stat(path)
    if (found.isDirectory()) paths.push(...(await pathsBelow(path)))
    else if (found.isFile()) paths.push(path)
  }
  return paths
}
