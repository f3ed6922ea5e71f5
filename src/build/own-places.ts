import { dirname, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'rolldown'
import { transform } from 'rolldown/utils'

/**
 * Modules inside `root` are told the places that they have when the function runs, where `root` is `/`: a script has no `import.meta`, and
 * what is bundled no file of its own.
 */
export function ownPlaces(root: string): Plugin {
  return {
    name: 'ampoule:own-places',
    transform: {
      filter: { code: /\bimport\.meta\b|\b__(?:dir|file)name\b/ },
      async handler(code, id) {
        const file = id.replace(/\?.*$/, '')
        if (id.includes('\0') || !file.startsWith(root + sep)) return null
        const path = `/${relative(root, file).replaceAll(sep, '/')}`
        const folder = JSON.stringify(dirname(path))
        const own = JSON.stringify(path)
        const define = {
          'import.meta.url': JSON.stringify(pathToFileURL(path, { windows: false }).href),
          'import.meta.filename': own,
          'import.meta.dirname': folder,
          __filename: own,
          __dirname: folder,
        }
        const { code: defined, map, errors } = await transform(file, code, { define, sourcemap: true, jsx: 'preserve' })
        // What cannot be parsed is told by the bundler, with the place in it.
        return errors.length > 0 ? null : { code: defined, map: map ?? null }
      },
    },
  }
}
