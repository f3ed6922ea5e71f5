import { dirname, isAbsolute, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'rolldown'

/** Folders of what every function can import without having it: the SDK, and the stand-ins for modules of Node.js. */
const ownFolders = (): readonly string[] => [
  fileURLToPath(new URL('../../guest-sdk/', import.meta.url)),
  packageFolder('unenv/node/url'),
  packageFolder('@bytecodealliance/jco-std/wasi/0.2.x/node/24.x.x/assert'),
]

/**
 * Lets modules inside `root` import only what is inside, or what every function has: what they resolve to elsewhere (by an absolute path,
 * by `..`, or in a `node_modules` further up) stays unresolved; absolute paths begin at `root`. Links inside are the caller's to exclude.
 */
export function confined(root: string): Plugin {
  const own = ownFolders()
  const inside = (path: string): boolean => path.startsWith(root.endsWith(sep) ? root : root + sep)
  return {
    name: 'ampoule:confined',
    resolveId: {
      order: 'pre',
      async handler(id, importer) {
        if (importer === undefined || !inside(importer)) return null
        const below = isAbsolute(id) && !inside(id) ? join(root, id) : id
        const found = await this.resolve(below, importer, { skipSelf: true })
        // Left alone it would be looked for where it leads on this machine.
        if (found === null && below !== id) return { id, external: true }
        if (found === null || found.external !== false || found.id.includes('\0') || inside(found.id)) return found
        const isPath = id.startsWith('.') || isAbsolute(id)
        if (!isPath && own.some((folder) => found.id.startsWith(folder))) return found
        // The bundler leaves it as an import, which a script cannot have: the author is told that it could not be resolved.
        return { id, external: true }
      },
    },
  }
}

/** With the separator behind it. */
function packageFolder(name: string): string {
  const path = fileURLToPath(import.meta.resolve(name))
  const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+[\\/]/.exec(path)
  return folder?.[0] ?? dirname(path) + sep
}
