import { readFile, stat } from 'node:fs/promises'
import type { SourceMapPayload } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import type { Plugin } from 'rolldown'
import { areMappings } from './mappings.ts'

/** Of a map that is larger than this, decoding would take longer than its lines are worth. */
const MAX_MAP_BYTES = 24 * 1024 * 1024

/** A file beside the module, without a folder: what is built has its map there, and no name can lead elsewhere. */
const REFERENCE = /\/\/# sourceMappingURL=([^\s/\\]+)\s*$/

/**
 * Follows the source maps of modules that were built before, so that places in them are told in the files that their author wrote. A map that
 * is missing or cannot be read is passed over. Those of packages are not followed: their authors are others.
 */
export function inputMaps(): Plugin {
  return {
    name: 'ampoule:input-maps',
    load: {
      filter: { id: { include: /\.[cm]?js$/, exclude: [/[\\/]node_modules[\\/]/, /\0/] } },
      async handler(id) {
        const code = await readFile(id, 'utf8').catch(() => undefined)
        const name = code === undefined ? undefined : REFERENCE.exec(code)?.[1]
        if (code === undefined || name === undefined || name !== basename(name)) return null
        const map = await readMap(join(dirname(id), name)).catch(() => undefined)
        return map === undefined ? null : { code, map }
      },
    },
  }
}

/** With absolute sources. Throws for what is no map of files with their content. */
async function readMap(path: string): Promise<Pick<SourceMapPayload, 'names' | 'sources' | 'sourcesContent' | 'mappings'>> {
  if ((await stat(path)).size > MAX_MAP_BYTES) throw new RangeError('the map is too large')
  const map = JSON.parse(await readFile(path, 'utf8')) as Partial<Record<keyof SourceMapPayload, unknown>>
  const { names = [], sources, sourcesContent, mappings, sourceRoot = '' } = map
  if (!isTexts(names) || !isTexts(sources) || !isTexts(sourcesContent)) throw new TypeError('the map has no content')
  if (typeof mappings !== 'string' || typeof sourceRoot !== 'string') throw new TypeError('the map has no mappings')
  if (!areMappings(mappings, { sources: sources.length, names: names.length })) throw new TypeError('the mappings lead nowhere')
  return { names, sources: sources.map((source) => resolve(dirname(path), sourceRoot, source)), sourcesContent, mappings }
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === 'string')
