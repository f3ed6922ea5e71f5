import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync, rmSync, renameSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Language } from '../../src/build/languages/index.ts'

/** Toolchains that are not on PATH are unpacked here, from packages of the machine's own registries; nothing is installed. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/ampoule-toolchains/', import.meta.url))

/** Search path of the language's toolchain, or why there is none. */
export function toolchain(language: Language): { readonly searchPath: string } | { readonly missing: string } {
  const path = process.env['PATH'] ?? ''
  switch (language) {
    case 'c':
      return has('clang', path) && has('wasm-ld', path) ? { searchPath: path } : { missing: 'clang and wasm-ld are not on PATH' }
    case 'go':
      return has('go', path) ? { searchPath: path } : { missing: 'go is not on PATH' }
    case 'rust':
      if (hasRust(path)) return { searchPath: path }
      return (
        attempt('rust', debianRust) ?? {
          missing: 'rustc with wasm32-unknown-unknown is not on PATH, and not to be had from Debian',
        }
      )
    case 'python':
      if (has('componentize-py', path)) return { searchPath: path }
      return attempt('python', virtualEnvironment) ?? { missing: 'componentize-py is not on PATH, and pip cannot get it' }
    case 'assemblyscript':
      return existsSync(new URL('../../node_modules/assemblyscript/bin/asc.js', import.meta.url))
        ? { searchPath: path }
        : { missing: 'the package assemblyscript is not installed' }
    default:
      return language satisfies never
  }
}

const has = (program: string, path: string): boolean =>
  path.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)))

const quiet: ExecFileSyncOptionsWithStringEncoding = { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }

function hasRust(path: string): boolean {
  if (!has('rustc', path) || !has('cargo', path)) return false
  try {
    return existsSync(execFileSync('rustc', ['--print', 'target-libdir', '--target', 'wasm32-unknown-unknown'], quiet).trim())
  } catch {
    return false
  }
}

/** Makes a toolchain once; a folder that is there is complete. Gives its `bin` before PATH. */
function attempt(name: string, make: (folder: string) => void): { readonly searchPath: string } | undefined {
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
    return { searchPath: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }
  } catch {
    return undefined
  }
}

/** Debian's own compiler, which finds what it needs beside itself. */
function debianRust(folder: string): void {
  const roots = ['rustc', 'cargo', 'libstd-rust-dev-wasm32']
  const tree = execFileSync('apt-cache', ['depends', '--recurse', '--important', ...roots], quiet)
  // Alternatives of dependencies are in the tree as well: other compilers, all of LLVM.
  const needed = /^(?:rustc|cargo|libstd-rust-|libgit2|libssh2|libhttp-parser|libmbed)[^ ]*$/
  const missing = tree.split('\n').filter((line) => needed.test(line) && !line.includes('-web') && !isInstalled(line))
  execFileSync('apt-get', ['download', ...missing], { ...quiet, cwd: folder, timeout: 240_000 })
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', file, 'root'], { ...quiet, cwd: folder })
    rmSync(join(folder, file))
  }
  mkdirSync(join(folder, 'bin'))
  for (const program of ['rustc', 'cargo']) {
    const script = `#!/bin/sh\nhere=$(dirname "$0")/../root/usr\nLD_LIBRARY_PATH="$here/lib/$(uname -m)-linux-gnu" exec "$here/bin/${program}" "$@"\n`
    writeFileSync(join(folder, 'bin', program), script, { mode: 0o755 })
  }
}

function isInstalled(name: string): boolean {
  try {
    return execFileSync('dpkg-query', ['-W', '-f=${Status}', name], quiet).endsWith(' installed')
  } catch {
    return false
  }
}

/** componentize-py's wheel with its compiler inside; the scripts of a virtual environment cannot be moved, so its Python is called. */
function virtualEnvironment(folder: string): void {
  execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', join(folder, 'packages'), 'componentize-py==0.25.1'], {
    ...quiet,
    timeout: 240_000,
  })
  mkdirSync(join(folder, 'bin'))
  const start = 'import sys; from componentize_py import script; sys.exit(script())'
  const script = `#!/bin/sh\nPYTHONPATH="$(dirname "$0")/../packages" exec python3 -c '${start}' "$@"\n`
  writeFileSync(join(folder, 'bin', 'componentize-py'), script, { mode: 0o755 })
}
