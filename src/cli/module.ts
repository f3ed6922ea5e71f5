import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { AmpouleError } from '../errors.ts'
import { instrumentModule, type InstrumentReport } from '../wasm/index.ts'
import { named, read, type Output } from './wasm-file.ts'

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

function describe({ input, output, bytesBefore, bytesAfter, report }: InstrumentedFile): string {
  const growth = bytesBefore === 0 ? 0 : Math.round((bytesAfter / bytesBefore - 1) * 100)
  const lines = [`${input} -> ${output}: ${report.functions} functions, ${bytesBefore} -> ${bytesAfter} bytes (+${growth} %)`]
  for (const reason of report.unrestorable) lines.push(`  cannot be restored: ${reason}`)
  for (const reason of report.unlimited) lines.push(`  no memory limit holds: ${reason}`)
  return `${lines.join('\n')}\n`
}
