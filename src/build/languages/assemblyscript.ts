import { readFile, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { BuildError } from '../error.ts'
import { ASSEMBLYSCRIPT_RUNTIME } from '../runtime-section.ts'
import type { Compiled, Compiler, CompileJob } from './contract.ts'
import { compilerError, type DiagnosticPattern } from './diagnostics.ts'

const HELP = 'Run: npm install --save-dev assemblyscript'

const OPTIONS = [
  '--runtime',
  'incremental',
  '--optimizeLevel',
  '2',
  '--shrinkLevel',
  '1',
  '--noColors',
  '--use',
  'abort=entry/on_abort',
]

const ERRORS: DiagnosticPattern =
  /^ERROR (?:[A-Z]+\d+: )?(?<message>.*)\n(?:(?!ERROR|\n).*\n?)*? *└─ in (?<file>.+?)\((?<line>\d+),(?<column>\d+)\)/gm

/** The compiler of the project's own node_modules, or else of ours. */
export const assemblyscript: Compiler = {
  language: 'assemblyscript',
  title: 'AssemblyScript',
  runtime: ASSEMBLYSCRIPT_RUNTIME,
  async open(source) {
    const manifest = findCompiler(source) ?? findCompiler(import.meta.filename)
    if (manifest === undefined) throw new BuildError(`the package assemblyscript is not installed. ${HELP}`, undefined)
    const { version }: { version?: unknown } = JSON.parse(await readFile(manifest, 'utf8')) as object
    const program = join(dirname(manifest), 'bin', 'asc.js')
    return { version: [String(version), ...OPTIONS].join('\n'), compile: (job) => compile(program, job) }
  },
}

function findCompiler(from: string): string | undefined {
  try {
    return createRequire(from).resolve('assemblyscript/package.json')
  } catch {
    return undefined
  }
}

async function compile(program: string, { source, scratch, tools }: CompileJob): Promise<Compiled> {
  const folder = dirname(source)
  const text = await readFile(source, 'utf8')
  const binding = /\bfrom\s*["']((?:[^"'\n]*\/)?ampoule)(?:\.ts)?["']/.exec(text)?.[1]
  if (binding === undefined) {
    throw new BuildError("the source does not import the binding: import { Request, Response } from './ampoule'", {
      file: source,
      line: 1,
      column: 1,
    })
  }
  const [wasm, entry] = [join(scratch, 'function.wasm'), join(scratch, 'entry.ts')]
  // The compiler takes paths relative to a file only.
  const from = (path: string): string => JSON.stringify(relative(scratch, path).split(sep).join('/'))
  await writeFile(entry, entryCode(from(source.replace(/\.ts$/, '')), from(resolve(folder, binding))))
  const args = ['entry.ts', '--baseDir', scratch, '-o', wasm, ...OPTIONS]
  const result = await tools.run(process.execPath, [program, ...args], { cwd: scratch })
  if (result.code !== 0) throw compilerError('asc', result, scratch, ERRORS)
  const files = await readdir(folder)
  const sources = files.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
  return { wasm, form: 'core', inputs: [folder, ...sources, resolve(folder, `${binding}.ts`)] }
}

const HANDLERS = ['http', 'invoke', 'queue', 'stream', 'scheduled']

/** Hands over the handlers that the author's module exports, before the first event. */
const entryCode = (module: string, binding: string): string => `
import * as author from ${module}
import * as ampoule from ${binding}
${HANDLERS.map((name) => `if (isDefined(author.${name})) ampoule.handlers.${name} = author.${name}`).join('\n')}
export function on_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  ampoule.ampoule_abort(message, file, line, column)
}
export { handle, cabi_realloc, cabi_post_handle } from ${binding}
`
