import { readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BuildError } from '../error.ts'
import { GO_RUNTIME } from '../runtime-section.ts'
import type { Compiled, Compiler, CompileJob } from './contract.ts'
import { compilerError, type DiagnosticPattern } from './diagnostics.ts'
import { giveAdapterMemory } from './go-memory.ts'
import { findManifest, isThere } from './manifest.ts'
import type { RunOptions } from './tools.ts'

const HELP = 'Go 1.24 or newer comes from https://go.dev/dl (macOS: brew install go; Windows: winget install GoLang.Go).'

/** The first version with `//go:wasmexport`. */
const FIRST_MINOR = 24

const BINDING = fileURLToPath(new URL('../../../guest-sdk/go', import.meta.url))

const OPTIONS = ['-buildmode=c-shared', '-trimpath', '-ldflags=-s -w']

const TARGET = { GOOS: 'wasip1', GOARCH: 'wasm', CGO_ENABLED: '0' }

const GO_ERRORS: DiagnosticPattern =
  /^(?:vet: )?(?<file>[^\s:#][^:\n]*\.(?:go|mod)):(?<line>\d+)(?::(?<column>\d+))?: (?<message>.*)$/gm

/** The package of the source's folder, in the module whose go.mod lies there or above. */
export const go: Compiler = {
  language: 'go',
  title: 'Go',
  runtime: GO_RUNTIME,
  async open(source, tools) {
    const program = await tools.need('go', HELP)
    const version = await tools.ask(program, ['env', 'GOVERSION'], { cwd: dirname(source) })
    const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? Infinity)
    if (minor < FIRST_MINOR)
      throw new BuildError(`Go is ${version}, which cannot export functions to WebAssembly. ${HELP}`, undefined)
    if ((await findManifest(source, 'go.mod')) === undefined) {
      throw new BuildError('there is no go.mod here or above: run `go mod init function`', { file: source, line: 1, column: 1 })
    }
    return { version: [version, ...OPTIONS].join('\n'), compile: (job) => compile(program, job) }
  },
}

async function compile(go: string, { source, scratch, tools }: CompileJob): Promise<Compiled> {
  const folder = dirname(source)
  const options: RunOptions = { cwd: folder, env: TARGET }
  const built = join(scratch, 'go.wasm')
  const result = await tools.run(go, ['build', ...OPTIONS, '-o', built, '.'], options)
  if (result.code !== 0) throw compilerError('go', result, folder, GO_ERRORS)
  const packages = listPackages(await tools.ask(go, ['list', '-deps', `-f=${LIST_FORMAT}`, '.'], options))
  const module = await tools.ask(go, ['env', 'GOMOD'], options)
  const sum = join(dirname(module), 'go.sum')
  const wasm = join(scratch, 'function.wasm')
  await writeFile(wasm, withAdapterMemory(await readFile(built)))
  return {
    wasm,
    form: 'preview1',
    inputs: [...packages.flatMap(({ folder, files }) => [folder, ...files]), module, ...((await isThere(sum)) ? [sum] : [])],
    // Go seeds math/rand when it starts, which here is before the snapshot: every invocation would draw the same numbers.
    ...(packages.some(({ imports }) => imports.some(isSeededAtStart)) && { reusable: false }),
  }
}

function withAdapterMemory(module: Uint8Array): Uint8Array {
  try {
    return giveAdapterMemory(module)
  } catch (error) {
    const message =
      'the program does not use the binding of this version: copy guest-sdk/go into the folder ampoule and import it'
    throw new BuildError(message, undefined, { cause: error })
  }
}

const isSeededAtStart = (path: string): boolean => path === 'math/rand' || path === 'math/rand/v2' || path === 'hash/maphash'

/** Of every package that is not Go's own: its folder, then its files, then its imports, a package per line. */
const LIST_FORMAT = '{{if not .Standard}}{{.Dir}}\t{{join .GoFiles "|"}}\t{{join .EmbedFiles "|"}}\t{{join .Imports "|"}}{{end}}'

interface Package {
  readonly folder: string
  readonly files: readonly string[]
  readonly imports: readonly string[]
}

function listPackages(text: string): readonly Package[] {
  return text.split('\n').flatMap((line) => {
    const [folder = '', sources = '', embedded = '', imports = ''] = line.split('\t')
    if (folder === '') return []
    const files = [...sources.split('|'), ...embedded.split('|')].filter((name) => name !== '')
    // The binding, a project's copy or this package's own, makes a generator with a fresh seed for each invocation.
    const isBinding = (basename(folder) === 'ampoule' || folder === BINDING) && sources === 'ampoule.go|codec.go'
    return [{ folder, files: files.map((name) => join(folder, name)), imports: isBinding ? [] : imports.split('|') }]
  })
}
