import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BuildError } from '../error.ts'
import { RUST_RUNTIME } from '../runtime-section.ts'
import { parseMakeRule } from './c.ts'
import type { Compiled, Compiler, CompileJob } from './contract.ts'
import { compilerError, GNU_ERRORS } from './diagnostics.ts'
import { findManifest, isThere } from './manifest.ts'
import type { Tools } from './tools.ts'

const TARGET = 'wasm32-unknown-unknown'

const HELP = 'Rust comes with rustup (https://rustup.rs; Debian, Ubuntu: apt install rustup; macOS: brew install rustup).'
const TARGET_HELP = `Add it: rustup target add ${TARGET} (Debian's own rustc: apt install libstd-rust-dev-wasm32 lld).`

/** The crate `ampoule` for a single file without a Cargo.toml. */
const CRATE = fileURLToPath(new URL('../../../guest-sdk/rust/src/lib.rs', import.meta.url))

/** Places in the binding that panics name: not where it lies on the machine that built. */
const REMAP = `--remap-path-prefix=${dirname(CRATE)}=ampoule`

const OPTIONS = ['--edition=2021', `--target=${TARGET}`, '-Copt-level=s', '-Cpanic=abort', '-Cstrip=symbols', '-Ccodegen-units=1']

/** A crate with a Cargo.toml is built by cargo, a single file by rustc, with the crate `ampoule` beside it. */
export const rust: Compiler = {
  language: 'rust',
  title: 'Rust',
  runtime: RUST_RUNTIME,
  async open(source, tools) {
    const manifest = await findManifest(source, 'Cargo.toml')
    const rustc = await tools.need('rustc', HELP)
    // A toolchain of the project's own (rust-toolchain.toml) is chosen by the folder.
    const cwd = dirname(manifest ?? source)
    const version = await tools.ask(rustc, ['-vV'], { cwd })
    const library = join(await tools.ask(rustc, ['--print', 'target-libdir', '--target', TARGET], { cwd }))
    if (!(await isThere(library))) throw new BuildError(`Rust has no standard library for ${TARGET}. ${TARGET_HELP}`, undefined)
    const linker = await linkerOf(rustc, cwd, tools)
    const configured = [version, ...OPTIONS, ...linker].join('\n')
    if (manifest === undefined) return { version: configured, compile: (job) => compileFile(rustc, linker, job) }
    const cargo = await tools.need('cargo', HELP)
    return { version: configured, compile: (job) => compileCrate(cargo, linker, manifest, job) }
  },
}

/** rustup's toolchains bring a linker of their own; others take wasm-ld of PATH. */
async function linkerOf(rustc: string, cwd: string, tools: Tools): Promise<readonly string[]> {
  const root = await tools.ask(rustc, ['--print', 'sysroot'], { cwd })
  const host = /^host: (.*)$/m.exec(await tools.ask(rustc, ['-vV'], { cwd }))?.[1] ?? ''
  const bundled = ['rust-lld', 'rust-lld.exe'].map((name) => join(root, 'lib', 'rustlib', host, 'bin', name))
  if ((await Promise.all(bundled.map(isThere))).includes(true)) return []
  const linker = await tools.need('wasm-ld', `This Rust has no linker for WebAssembly of its own. ${TARGET_HELP}`)
  return [`-Clinker=${linker}`, '-Clinker-flavor=wasm-ld']
}

async function compileFile(rustc: string, linker: readonly string[], { source, scratch, tools }: CompileJob): Promise<Compiled> {
  const folder = dirname(source)
  const options = [...OPTIONS, ...linker, '--error-format=short', '--color=never', '--out-dir', scratch, '--emit=link,dep-info']
  const run = async (file: string, args: readonly string[]) => {
    const result = await tools.run(rustc, [...options, ...args, file], { cwd: folder })
    if (result.code !== 0) throw compilerError('rustc', result, folder, GNU_ERRORS)
  }
  await run(CRATE, [REMAP, '--crate-name=ampoule', '--crate-type=rlib'])
  const extern = `--extern=ampoule=${join(scratch, 'libampoule.rlib')}`
  await run(source, ['--crate-name=function', '--crate-type=cdylib', extern])
  const lists = ['ampoule.d', 'function.d'].map((name) => prerequisites(join(scratch, name), folder))
  return { wasm: join(scratch, 'function.wasm'), form: 'core', inputs: (await Promise.all(lists)).flat() }
}

async function compileCrate(
  cargo: string,
  linker: readonly string[],
  manifest: string,
  { keep, tools }: CompileJob,
): Promise<Compiled> {
  const folder = dirname(manifest)
  const options = ['--release', '--lib', '--target', TARGET, '--manifest-path', manifest, '--target-dir', keep]
  const flags = linker.length === 0 ? {} : { RUSTFLAGS: linker.join(' ') }
  const result = await tools.run(cargo, ['build', ...options, '--message-format=json-diagnostic-short', '--color=never'], {
    cwd: folder,
    env: flags,
  })
  if (result.code !== 0) throw compilerError('cargo', withRendered(result), folder, GNU_ERRORS)
  const wasm = artifactOf(result.stdout, manifest)
  if (wasm === undefined) {
    throw new BuildError('the crate makes no WebAssembly module: its Cargo.toml needs [lib] crate-type = ["cdylib"]', {
      file: manifest,
      line: 1,
      column: 1,
    })
  }
  const sources = await prerequisites(wasm.replace(/\.wasm$/, '.d'), folder)
  const settings = ['Cargo.lock', 'rust-toolchain.toml', 'build.rs'].map((name) => join(folder, name))
  const present = await Promise.all(settings.map(async (path) => ((await isThere(path)) ? [path] : [])))
  return { wasm, form: 'core', inputs: [...sources, manifest, ...present.flat()] }
}

interface Message {
  readonly reason?: unknown
  readonly manifest_path?: unknown
  readonly filenames?: unknown
  readonly message?: { readonly rendered?: unknown }
}

const messagesOf = (stdout: string): readonly Message[] =>
  stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every field is unknown and looked at before it is used
    return [JSON.parse(line) as Message]
  })

/** cargo writes its own errors as text and those of rustc as JSON. */
function withRendered<T extends { readonly stdout: string; readonly stderr: string }>(result: T): T {
  const rendered = messagesOf(result.stdout).map(({ message }) => (typeof message?.rendered === 'string' ? message.rendered : ''))
  return { ...result, stdout: rendered.join('') }
}

function artifactOf(stdout: string, manifest: string): string | undefined {
  const files = messagesOf(stdout).flatMap(({ reason, manifest_path, filenames }) =>
    reason === 'compiler-artifact' && manifest_path === manifest && Array.isArray(filenames) ? filenames : [],
  )
  return files.find((file): file is string => typeof file === 'string' && file.endsWith('.wasm'))
}

async function prerequisites(list: string, folder: string): Promise<readonly string[]> {
  return parseMakeRule(await readFile(list, 'utf8')).map((path) => resolve(folder, path))
}
