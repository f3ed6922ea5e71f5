import { readFile } from 'node:fs/promises'
import { AmpouleError } from '../errors.ts'
import { binaryKind } from './parse.ts'

const PREVIEW1 = 'wasi_snapshot_preview1'

/**
 * A core module made into a component by jco. A WASI preview1 module gets jco's adapter: that for commands when it exports `_start`
 * (callable as `wasi:cli/run`), that for reactors otherwise, and then needs embedded world metadata (as wit-bindgen writes it) to export
 * anything. Throws `InvalidModule`.
 */
export async function componentFromCore(core: Uint8Array): Promise<Uint8Array> {
  if (binaryKind(core) !== 'core module') throw new AmpouleError('InvalidModule', 'this is not a WebAssembly core module')
  const bytes = new Uint8Array(core)
  if (!WebAssembly.validate(bytes)) throw new AmpouleError('InvalidModule', 'the core module is not valid')
  const module = await WebAssembly.compile(bytes)
  const needsAdapter = WebAssembly.Module.imports(module).some((item) => item.module === PREVIEW1)
  const isCommand = WebAssembly.Module.exports(module).some(({ name, kind }) => name === '_start' && kind === 'function')
  // Loaded here: jco takes longer to load than everything that does not need it.
  const { componentNew, preview1AdapterCommandPath, preview1AdapterReactorPath } = await import('@bytecodealliance/jco')
  const path = isCommand ? preview1AdapterCommandPath() : preview1AdapterReactorPath()
  const adapters: [string, Uint8Array][] = needsAdapter || isCommand ? [[PREVIEW1, await readFile(path)]] : []
  try {
    return await componentNew(bytes, adapters)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AmpouleError('InvalidModule', `no component can be made of the core module: ${why}`, { cause: error })
  }
}
