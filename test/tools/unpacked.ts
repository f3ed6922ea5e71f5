import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Programs that are not on PATH are unpacked here, from packages of the machine's own registries; nothing is installed. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/ampoule-toolchains/', import.meta.url))

/** Gives what the program prints; throws when it fails. */
export const quiet: ExecFileSyncOptionsWithStringEncoding = { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }

/** The first file of that name on the search path. */
export const which = (program: string, path = process.env['PATH'] ?? ''): string | undefined =>
  path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file))

/** Makes a folder once, and gives it; one that is there is complete. Undefined when it could not be made. */
export function unpacked(name: string, make: (folder: string) => void): string | undefined {
  const folder = join(CACHE, name)
  try {
    if (!existsSync(folder)) {
      const draft = `${folder}.${process.pid}`
      mkdirSync(draft, { recursive: true })
      try {
        make(draft)
        renameSync(draft, folder)
      } finally {
        rmSync(draft, { recursive: true, force: true })
      }
    }
    return folder
  } catch {
    return undefined
  }
}

/** Debian's packages that these need, themselves included. Alternatives of what they need are among them. */
export function debianPackages(roots: readonly string[]): readonly string[] {
  const tree = execFileSync('apt-cache', ['depends', '--recurse', '--important', ...roots], quiet)
  return tree.split('\n').filter((line) => /^[a-z]/.test(line))
}

/** Unpacks Debian's packages into `root` in the folder. */
export function unpackDebian(folder: string, packages: readonly string[]): void {
  execFileSync('apt-get', ['download', ...packages], { ...quiet, cwd: folder, timeout: 240_000 })
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', file, 'root'], { ...quiet, cwd: folder })
    rmSync(join(folder, file))
  }
}

export function isInstalled(name: string): boolean {
  try {
    return execFileSync('dpkg-query', ['-W', '-f=${Status}', name], quiet).endsWith(' installed')
  } catch {
    return false
  }
}
