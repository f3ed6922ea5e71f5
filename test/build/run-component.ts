/* oxlint-disable typescript/no-unsafe-type-assertion -- the shape of jco's generated modules */
import { transpile } from '@bytecodealliance/jco'
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Handle = (event: Uint8Array) => Uint8Array | Promise<Uint8Array>

/**
 * The `handle` of an event-world component, run by jco's own glue: these tests are about what was built, not about our engine.
 * `folder` takes the glue and has to outlive the instance.
 */
export async function instantiate(component: Uint8Array, folder: string): Promise<Handle> {
  const { files } = await transpile(component, { name: 'guest', instantiation: 'async' })
  const modules = new Map<string, WebAssembly.Module>()
  let glue: string | undefined
  for (const [path, bytes] of Object.entries(files)) {
    const name = path.split('/').at(-1) ?? path
    if (name.endsWith('.wasm')) modules.set(name, await WebAssembly.compile(new Uint8Array(bytes)))
    if (name !== 'guest.js') continue
    glue = join(folder, 'guest.mjs')
    await writeFile(glue, bytes)
  }
  if (glue === undefined) throw new Error('jco wrote no guest.js')
  const imported: unknown = await import(pathToFileURL(glue).href)
  const { instantiate: link } = imported as {
    readonly instantiate: (
      getModule: (name: string) => WebAssembly.Module | undefined,
      imports: object,
    ) => Promise<{ handle: Handle }>
  }
  const { handle } = await link((name) => modules.get(name), new WASIShim().getImportObject())
  return handle
}
