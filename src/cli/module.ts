import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { AmpouleError } from '../errors.ts'
import { inspectModule, instrumentModule, type InstrumentReport, type ModuleInspection } from '../wasm/index.ts'

/** Where a command writes; the process's own streams by default. */
export interface Output {
  write(text: string): unknown
}

export interface InstrumentedFile {
  readonly input: string
  readonly output: string
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly report: InstrumentReport
}

interface Options {
  readonly json?: boolean
  readonly out?: Output
  /** Progress; not part of the result. */
  readonly progress?: Output
}

/**
 * `ampoule module instrument IN OUT`: a core module to a file, or every `*.wasm` below a folder to the same place below another.
 * Throws `AmpouleError`: InvalidConfiguration when IN does not exist or OUT is inside a folder IN, InvalidModule with the file's name.
 */
export async function instrument(input: string, output: string, options: Options = {}): Promise<readonly InstrumentedFile[]> {
  const { out = process.stdout, progress = process.stderr, json = false } = options
  const folder = await isFolder(input)
  const files = folder
    ? await modulesIn(input, output)
    : [{ input, output: (await isFolder(output, true)) ? join(output, basename(input)) : output }]
  const done: InstrumentedFile[] = []
  for (const [index, file] of files.entries()) {
    if (folder) progress.write(`[${index + 1}/${files.length}] ${relative(input, file.input)}\n`)
    done.push(await instrumentFile(file.input, file.output))
  }
  if (json) out.write(`${JSON.stringify(done, undefined, 2)}\n`)
  else for (const file of done) out.write(describe(file))
  return done
}

/** `ampoule module inspect FILE`: what a core module imports, exports, uses and weighs. */
export async function inspect(file: string, options: Options = {}): Promise<ModuleInspection> {
  const { out = process.stdout, json = false } = options
  const inspection = named(file, inspectModule, await read(file))
  out.write(json ? `${JSON.stringify(inspection, undefined, 2)}\n` : describeInspection(file, inspection))
  return inspection
}

async function isFolder(path: string, optional = false): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    if (optional) return false
    throw new AmpouleError('InvalidConfiguration', `cannot read ${path}`, { cause })
  }
}

async function modulesIn(input: string, output: string): Promise<{ input: string; output: string }[]> {
  const inside = relative(resolve(input), resolve(output))
  if (inside === '' || !inside.startsWith('..')) {
    throw new AmpouleError('InvalidConfiguration', `${output} is inside ${input}: name a folder outside of it`)
  }
  const entries = await readdir(input, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.wasm'))
    .map((entry) => join(entry.parentPath, entry.name))
  if (files.length === 0) throw new AmpouleError('InvalidConfiguration', `no .wasm file in ${input}`)
  return files.sort().map((file) => ({ input: file, output: join(output, relative(input, file)) }))
}

async function instrumentFile(input: string, output: string): Promise<InstrumentedFile> {
  const before = await read(input)
  const { bytes, report } = named(input, instrumentModule, before)
  await mkdir(dirname(output), { recursive: true })
  await writeFile(output, bytes)
  return { input, output, bytesBefore: before.length, bytesAfter: bytes.length, report }
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new AmpouleError('InvalidConfiguration', `cannot read ${file}`, { cause })
  }
}

/** Errors of the passes know bytes, not files. */
function named<T>(file: string, run: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return run(bytes)
  } catch (error) {
    if (error instanceof AmpouleError) throw new AmpouleError(error.code, `${file}: ${error.message}`, { cause: error })
    throw error
  }
}

function describe({ input, output, bytesBefore, bytesAfter, report }: InstrumentedFile): string {
  const growth = bytesBefore === 0 ? 0 : Math.round((bytesAfter / bytesBefore - 1) * 100)
  const lines = [`${input} -> ${output}: ${report.functions} functions, ${bytesBefore} -> ${bytesAfter} bytes (+${growth} %)`]
  for (const reason of report.unrestorable) lines.push(`  cannot be restored: ${reason}`)
  return `${lines.join('\n')}\n`
}

const list = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]
const limits = (min: number, max: number | undefined): string => `${min}${max === undefined ? ' or more' : ` to ${max}`}`

function describeInspection(file: string, found: ModuleInspection): string {
  return `${[
    `${file}: ${found.bytes} bytes${found.instrumented ? ', instrumented' : ''}${found.hasStart ? ', with a start function' : ''}`,
    `functions: ${found.functions.defined} (largest ${found.functions.largestBytes} bytes), imported ${found.functions.imported}`,
    `globals: ${found.globals.defined}, imported ${found.globals.imported}, mutable ${found.globals.mutable}`,
    `features: ${found.features.join(', ') || 'none beyond the first version'}`,
    ...list(
      'memories',
      found.memories.map(
        (m) =>
          `${m.index}: ${limits(m.minPages, m.maxPages)} pages${m.imported ? ', imported' : ''}${m.memory64 ? ', 64-bit' : ''}${m.shared ? ', shared' : ''}`,
      ),
    ),
    ...list(
      'tables',
      found.tables.map((t) => `${t.index}: ${t.type}, ${limits(t.min, t.max)} entries${t.imported ? ', imported' : ''}`),
    ),
    ...list(
      'imports',
      found.imports.map((i) => `${i.module}.${i.name} (${i.kind})`),
    ),
    ...list(
      'exports',
      found.exports.map((e) => `${e.name} (${e.kind})`),
    ),
    ...list(
      'sections',
      [...found.sections, ...found.customSections.map((c) => ({ name: `"${c.name}"`, bytes: c.bytes }))].map(
        (s) => `${s.name}: ${s.bytes} bytes`,
      ),
    ),
    ...list('cannot be restored', found.unrestorable),
  ].join('\n')}\n`
}
