import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Writes a new file, for its owner alone, and has it on disk when this resolves; when it rejects there is none. */
export async function writeFlushed(path: string, parts: Parts): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const part of parts) await file.writeFile(part)
    await file.sync()
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
  await file.close()
}

/** Gives a file that is on disk its name, and has the name on disk as well. In the place of what has that name. */
export async function nameDurably(temporary: string, path: string): Promise<void> {
  const folder = dirname(path)
  if ((await mkdir(folder, { recursive: true })) !== undefined) await syncFolder(dirname(folder))
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** Undefined when there is no such file. */
export async function readIfThere(path: string): Promise<Buffer<ArrayBuffer> | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Folders cannot be synced on Windows. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
