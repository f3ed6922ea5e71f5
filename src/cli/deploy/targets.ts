import { statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { loadConfiguration, type LoadedConfiguration } from '../../deploy.ts'
import { AmpouleError } from '../../errors.ts'
import { readConfiguration } from '../../functions/configuration.ts'
import { FUNCTION_NAME_RULE, isFunctionName } from '../../functions/name.ts'
import type { FunctionSettings } from '../../functions/settings.ts'
import { pick } from '../build.ts'

/** A function to deploy, and where it is described. */
export interface Target {
  readonly settings: FunctionSettings
  /** Settings that its author gave; all others are left as they are on the host. */
  readonly given: ReadonlySet<string>
  readonly configuration: LoadedConfiguration
}

/** Where a folder's function begins, in order. */
const ENTRIES = ['', 'src/'].flatMap((folder) => ['index.ts', 'index.mts', 'index.js', 'index.mjs'].map((file) => folder + file))

/** Names that say nothing of a function. */
const NAMELESS = new Set(['index', 'main', 'handler', 'src', 'lib', 'dist'])

export interface TargetOptions {
  /** Path of the configuration, for functions that are named. */
  readonly config: string
  /** Instead of the name that a path suggests. */
  readonly name: string | undefined
}

/**
 * What is meant by the words of a command line: names of the configuration (all of them for no words), or paths of files and folders.
 * Rejects with `InvalidConfiguration`, `InvalidRequest` and `FunctionNotFound`.
 */
export async function findTargets(words: readonly string[], { config, name }: TargetOptions): Promise<readonly Target[]> {
  const paths = words.filter(isPath)
  if (paths.length === 0) {
    if (name !== undefined)
      throw new AmpouleError('InvalidRequest', '--name is for a path: give the file or folder of the function')
    return ofConfiguration(await loadConfiguration(config), words)
  }
  if (paths.length < words.length)
    throw new AmpouleError('InvalidRequest', `${words.join(' ')}: give either names of the configuration or paths, not both`)
  if (name !== undefined && words.length > 1) throw new AmpouleError('InvalidRequest', '--name is for one path')
  return (await Promise.all(paths.map((path) => ofPath(path, name)))).flat()
}

/** No name of a function has such characters. */
const isPath = (word: string): boolean => /[./\\]/.test(word)

const kindOf = (path: string): 'file' | 'folder' | undefined => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() === true ? 'file' : found?.isDirectory() === true ? 'folder' : undefined
}

const ofConfiguration = (configuration: LoadedConfiguration, names: readonly string[]): readonly Target[] =>
  (names.length === 0 ? configuration.functions : [...new Set(names)].map((name) => pick(configuration.functions, name))).map(
    (settings) => ({ settings, given: configuration.given.get(settings.name) ?? new Set(), configuration }),
  )

async function ofPath(path: string, name: string | undefined): Promise<readonly Target[]> {
  const kind = kindOf(path)
  if (kind === undefined) throw new AmpouleError('InvalidRequest', `there is no file or folder ${path}`)
  if (kind === 'file') return [ofFile(path, name)]
  const config = join(path, 'ampoule.jsonc')
  if (kindOf(config) === 'file') return ofConfiguration(await loadConfiguration(config), name === undefined ? [] : [name])
  const entry = ENTRIES.find((file) => kindOf(join(path, file)) === 'file')
  if (entry !== undefined) return [ofFile(join(path, entry), name)]
  throw new AmpouleError(
    'InvalidRequest',
    `${path} has neither ampoule.jsonc nor ${ENTRIES.join(', ')}: name the file of the function`,
  )
}

function ofFile(path: string, given: string | undefined): Target {
  const name = given ?? nameOf(resolve(path))
  if (!isFunctionName(name))
    throw new AmpouleError(
      'InvalidRequest',
      `${JSON.stringify(name)} cannot name a function: it must be ${FUNCTION_NAME_RULE}; name it with --name NAME`,
    )
  const folder = process.cwd()
  const own = relative(folder, resolve(path)).replaceAll(sep, '/')
  const text = JSON.stringify({ functions: { [name]: { [path.endsWith('.wasm') ? 'component' : 'source']: own } } })
  const configuration = { ...readConfiguration(text, { file: path }), folder }
  return { settings: pick(configuration.functions, name), given: new Set(), configuration }
}

/** The first part of the path, from its end, that says something. */
function nameOf(path: string): string {
  const stem = basename(path).replace(/(\.as)?\.[^.]+$/, '')
  let name = stem
  for (let folder = dirname(path); NAMELESS.has(name) && basename(folder) !== ''; folder = dirname(folder))
    name = basename(folder)
  return NAMELESS.has(name) ? stem : name
}
