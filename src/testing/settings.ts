import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AmpouleError } from '../errors.ts'
import { readConfiguration, type Configuration } from '../functions/configuration.ts'
import { ConfigurationError } from '../functions/problems.ts'
import type { LoadOptions } from './contract.ts'

/**
 * A configuration of one function, by the same reader as `ampoule.jsonc`. `folder`: what relative paths are relative to. Throws
 * `InvalidConfiguration` with every mistake.
 */
export function configurationOf(source: string | URL, options: LoadOptions, folder: string): Configuration {
  const { name = 'function', limits, environment, sends, engine, kind } = options
  const path = pathOf(source, folder, 'load')
  const settings = { [path.endsWith('.wasm') ? 'component' : 'source']: path, ...limits, environment, sends, engine, kind }
  try {
    return readConfiguration(JSON.stringify({ functions: { [name]: settings } }), { file: 'load' })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const problems = error.problems.map(({ message }) => message.replaceAll(`functions.${name}.`, ''))
    throw new AmpouleError('InvalidConfiguration', `load: ${problems.join('\n')}`, { cause: error })
  }
}

/** The absolute path of a file that a test names. Throws `InvalidConfiguration` when it is not there; `what` says where it was named. */
export function pathOf(source: string | URL, folder: string, what: string): string {
  const text = String(source)
  const path = text.startsWith('file:') ? fileURLToPath(text) : resolve(folder, text)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  throw new AmpouleError(
    'InvalidConfiguration',
    `${what} ${JSON.stringify(text)}: there is no such file; paths are relative to the working directory, ` +
      `new URL('…', import.meta.url) is relative to the test's file`,
  )
}
