import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'

/** Where components for tests are kept. */
export const CACHE = new URL('../../node_modules/.cache/ampoule-test/', import.meta.url)

/** What `make` makes of `source`, made once. */
export async function cached(source: Buffer, make: (source: Buffer) => Promise<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const file = new URL(`${createHash('sha256').update(source).digest('hex')}.wasm`, CACHE)
  try {
    return new Uint8Array(await readFile(file))
  } catch {
    const component = await make(source)
    await mkdir(CACHE, { recursive: true })
    const draft = new URL(`${file.href}.${process.pid}.tmp`)
    await writeFile(draft, component)
    await rename(draft, file)
    return new Uint8Array(component)
  }
}
