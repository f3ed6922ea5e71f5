import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Bundle } from './bundle.ts'
import type { BundleForm, JavaScriptEngine } from './contract.ts'
import { JAVASCRIPT_RUNTIME } from './runtime-section.ts'
import { worldFor, type World } from './wit.ts'

/** What the engine wrote while it ran the module's top level, when that failed. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
}

/** Makes a component of one ES module, which StarlingMonkey's stacks call `sourceName`. Throws an {@link EngineError}. Runs in a process of its own: StarlingMonkey takes some 900 MB. */
export async function componentize(
  code: string,
  engine: JavaScriptEngine,
  world: World,
  sourceName = 'function.js',
): Promise<Uint8Array> {
  try {
    return engine === 'quickjs'
      ? await componentizeQuickjs(code, world)
      : await componentizeStarlingmonkey(code, world, sourceName)
  } catch (error) {
    throw new EngineError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function componentizeStarlingmonkey(code: string, world: World, sourceName: string): Promise<Uint8Array> {
  const { componentize } = await import('@bytecodealliance/componentize-js')
  // The types ask for a path, which this way of calling it (source and WIT as text) does not have. The path option for the WIT
  // goes through preview2-shim, which starts without any preopened folder.
  const options = { worldName: world.name, sourceName }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { component } = await componentize(code, world.text, options as typeof options & { sourcePath: string })
  return component
}

async function componentizeQuickjs(code: string, world: World): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs')
  if (world.path === undefined) throw new Error('QuickJS has no wasi:http world')
  const { component } = await componentize({ witPath: world.path, jsSource: code, world: world.name, sync: true })
  return component
}

/** The name of a component in a cache: SHA-256, hex, of all that it is made of. */
export async function componentHash({ code }: Bundle, engine: JavaScriptEngine, form: BundleForm): Promise<string> {
  const [version, world] = await Promise.all([engineVersion(engine), worldFor(engine, form)])
  const hash = createHash('sha256')
  for (const part of [engine, form, version, JSON.stringify(JAVASCRIPT_RUNTIME), world.text, code]) hash.update(part).update('\0')
  return hash.digest('hex')
}

/** Versions of everything that turns a bundle into a component. */
async function engineVersion(engine: JavaScriptEngine): Promise<string> {
  const packages =
    engine === 'quickjs'
      ? ['componentize-qjs']
      : ['@bytecodealliance/componentize-js', '@bytecodealliance/wizer', '@bytecodealliance/jco']
  const versions = await Promise.all(packages.map(async (name) => `${name}@${await packageVersion(name)}`))
  return versions.join(' ')
}

/** From the package.json above the package's main module; `exports` of some packages hides it from import. */
async function packageVersion(name: string): Promise<string> {
  const main = import.meta.resolve(name)
  const root = main.slice(0, main.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}/`.length)
  const manifest: unknown = JSON.parse(await readFile(fileURLToPath(new URL('package.json', root)), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version)
  throw new Error(`${name} has no version`)
}
