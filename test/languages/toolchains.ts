import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Language } from '../../src/build/languages/index.ts'
import { debianPackages, isInstalled, quiet, unpackDebian, unpacked, which } from '../tools/unpacked.ts'

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

const has = (program: string, path: string): boolean => which(program, path) !== undefined

function hasRust(path: string): boolean {
  if (!has('rustc', path) || !has('cargo', path)) return false
  try {
    return existsSync(execFileSync('rustc', ['--print', 'target-libdir', '--target', 'wasm32-unknown-unknown'], quiet).trim())
  } catch {
    return false
  }
}

/** Makes a toolchain once. Gives its `bin` before PATH. */
function attempt(name: string, make: (folder: string) => void): { readonly searchPath: string } | undefined {
  const folder = unpacked(name, make)
  return folder === undefined ? undefined : { searchPath: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }
}

/** Debian's own compiler, which finds what it needs beside itself. */
function debianRust(folder: string): void {
  const roots = ['rustc', 'cargo', 'libstd-rust-dev-wasm32']
  // Alternatives of dependencies are in the tree as well: other compilers, all of LLVM.
  const needed = /^(?:rustc|cargo|libstd-rust-|libgit2|libssh2|libhttp-parser|libmbed)[^ ]*$/
  unpackDebian(
    folder,
    debianPackages(roots).filter((name) => needed.test(name) && !name.includes('-web') && !isInstalled(name)),
  )
  mkdirSync(join(folder, 'bin'))
  for (const program of ['rustc', 'cargo']) {
    const script = `#!/bin/sh\nhere=$(dirname "$0")/../root/usr\nLD_LIBRARY_PATH="$here/lib/$(uname -m)-linux-gnu" exec "$here/bin/${program}" "$@"\n`
    writeFileSync(join(folder, 'bin', program), script, { mode: 0o755 })
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
