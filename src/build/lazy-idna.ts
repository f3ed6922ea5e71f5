import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Plugin } from 'rolldown'

const LAZY = '\0ampoule:idna'

/**
 * The tables for internationalised host names (UTS 46) are some megabytes as objects in an interpreter's heap, in every instance, for
 * what hardly a function meets: the package is evaluated when the parser calls it, and its largest table is a JSON text until then.
 */
export function lazyIdna(): Plugin {
  const require = createRequire(createRequire(import.meta.url).resolve('whatwg-url'))
  return {
    name: 'ampoule:lazy-idna',
    resolveId: (id, importer) => (id === 'tr46' && /[\\/]whatwg-url[\\/]/.test(importer ?? '') ? LAZY : null),
    async load(id) {
      if (id === LAZY) {
        const call = (name: string): string =>
          `exports.${name} = (...args) => require(${JSON.stringify(require.resolve('tr46'))}).${name}(...args)`
        return [call('toASCII'), call('toUnicode')].join('\n')
      }
      if (!/[\\/]tr46[\\/]lib[\\/]mappingTable\.json$/.test(id)) return null
      const text = JSON.stringify(JSON.parse(await readFile(id, 'utf8')))
      return { code: `module.exports = JSON.parse(${JSON.stringify(text)})`, moduleType: 'js' }
    },
  }
}
