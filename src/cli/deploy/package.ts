import { readFile } from 'node:fs/promises'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Runtime } from '@aws-sdk/client-lambda'
import type { PackageResult } from '../../build/contract.ts'
import { languageOf } from '../../build/languages/index.ts'
import { buildPackage } from '../../build/package.ts'
import { TASK_ROOT } from '../../functions/managed.ts'
import type { Deployment } from '../../deploy.ts'
import { AmpouleError } from '../../errors.ts'
import type { FunctionSettings } from '../../functions/settings.ts'
import { requireZipSize } from '../layer.ts'
import { zipFiles } from '../zip.ts'

/** A function as the API takes it. */
export interface Packed {
  readonly zip: Uint8Array
  readonly Runtime: Runtime
  readonly Handler: string
  /** Names that the host has for the author's files, and where these are. */
  readonly sources: ReadonlyMap<string, string>
}

/** Whether the host makes a script of it; everything else goes there as a component, which the host has no engine for. */
export const isScript = ({ source, language, engine, kind }: FunctionSettings): boolean =>
  source !== undefined && languageOf(source, language) === undefined && kind !== 'wasi-http' && engine !== 'quickjs'

/** Lambda's newest runtime for JavaScript; the host runs all of them in the same way. */
const RUNTIME = 'nodejs24.x'
const BUNDLE = 'index.mjs'
const COMPONENT = 'function.wasm'

/** A module and its packages as one file, with a source map by which stacks lead to the author's files. `folder`: what their names begin at. */
export async function packScript(source: string, folder: string, layers: boolean): Promise<Packed> {
  const entry = resolve(folder, source)
  const { code, map, exports } = await buildPackage({ entry, layers })
  const names = map.sources.map((path) => nameOf(path, folder))
  const kept = {
    version: 3,
    names: map.names,
    sources: names,
    // The host follows no map without.
    sourcesContent: map.sources.map((_, index) => (map.sourcesContent[index] as string | null | undefined) ?? ''),
    mappings: map.mappings,
  }
  const files = new Map([
    [BUNDLE, Buffer.from(`${code.trimEnd()}\n//# sourceMappingURL=${BUNDLE}.map\n`)],
    [`${BUNDLE}.map`, Buffer.from(JSON.stringify(kept))],
  ])
  return {
    ...(await pack(source, files)),
    Runtime: RUNTIME,
    Handler: `index.${handlerOf(exports)}`,
    sources: new Map(map.sources.map((path, index) => [posix.resolve(TASK_ROOT, names[index] ?? ''), path])),
  }
}

/** The module form has room for Lambda's handler beside it, not the other way around. */
const handlerOf = (exports: PackageResult['exports']): string =>
  exports.includes('default') || !exports.includes('handler') ? 'default' : 'handler'

export async function packComponent({ spec, component }: Deployment): Promise<Packed> {
  if (component === undefined) throw new AmpouleError('Internal', `there is no component of ${spec.name}`)
  const files = new Map([[COMPONENT, await readFile(component)]])
  // The types are AWS's, the name is this host's (src/gateway/management/model/model.ts).
  return { ...(await pack(spec.name, files)), Runtime: 'wasm' as Runtime, Handler: COMPONENT, sources: new Map() }
}

async function pack(what: string, files: ReadonlyMap<string, Uint8Array>): Promise<Pick<Packed, 'zip'>> {
  const zip = await zipFiles(files)
  requireZipSize(what, zip)
  return { zip }
}

const PACKAGE = dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)))

/** The same on every machine: packages may lie anywhere, and so may this one. */
function nameOf(path: string, folder: string): string {
  if (path.includes('\0')) return path
  const [, inPackage] = /^.*[\\/]node_modules[\\/](.*)$/.exec(path) ?? []
  if (inPackage !== undefined) return slashed(join('node_modules', inPackage))
  const own = relative(PACKAGE, path)
  if (own.startsWith('guest-sdk')) return slashed(join('node_modules/ampoule', own))
  return slashed(relative(folder, path))
}

const slashed = (path: string): string => path.replaceAll(sep, '/')

/** What the host says, with the author's own paths as seen from here. */
export function localised(text: string, sources: Packed['sources']): string {
  let local = text
  // The longest first: one may begin with another.
  for (const [shown, path] of [...sources].toSorted(([a], [b]) => b.length - a.length))
    local = local.replaceAll(`${shown}:`, `${relative(process.cwd(), path)}:`)
  return local
}
