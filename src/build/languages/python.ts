import { copyFile, readdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BuildError } from '../error.ts'
import { PYTHON_RUNTIME } from '../runtime-section.ts'
import type { Compiled, Compiler, CompileJob } from './contract.ts'
import { firstLine, type ToolResult } from './tools.ts'

const HELP =
  'It comes with pip: python3 -m venv .venv && .venv/bin/pip install componentize-py (a .venv beside the source is found by itself).'

/** Where `import ampoule` is found when the project has no copy of its own. */
const BINDING = fileURLToPath(new URL('../../../guest-sdk/python/', import.meta.url))
const WORLD = fileURLToPath(new URL('../../../guest-sdk/wit/world.wit', import.meta.url))

/** Each module that a function imports is read, so there is no use in more. */
const MAX_FILES = 5_000

/** CPython, the function and what it imports, initialised by componentize-py and kept as a component. */
export const python: Compiler = {
  language: 'python',
  title: 'Python',
  runtime: PYTHON_RUNTIME,
  async open(source, tools) {
    const environment = await virtualEnvironment(dirname(source))
    const searched = environment === undefined ? tools : tools.with(join(environment, BINARIES))
    const program = await searched.need('componentize-py', HELP)
    const name = basename(source, '.py')
    if (!/^[A-Za-z_]\w*$/.test(name) || RESERVED.includes(name)) {
      throw new BuildError(
        `${basename(source)} cannot be imported: call it app.py, or any other name of letters, digits and _`,
        undefined,
      )
    }
    const version = await tools.ask(program, ['--version'])
    return { version, compile: (job) => compile(program, name, environment, job) }
  },
}

const BINARIES = process.platform === 'win32' ? 'Scripts' : 'bin'

/** Names of modules that componentize-py and the binding bring. */
const RESERVED = ['ampoule', 'ampoule_function', 'wit_world', 'componentize_py_types', 'componentize_py_runtime', 'event']

async function compile(program: string, name: string, environment: string | undefined, job: CompileJob): Promise<Compiled> {
  const { source, scratch, tools } = job
  const folder = dirname(source)
  const inputs = await pythonFiles(folder)
  if (!inputs.includes(join(folder, 'ampoule.py'))) inputs.push(join(BINDING, 'ampoule.py'))
  const wasm = join(scratch, 'function.wasm')
  await writeFile(
    join(scratch, 'ampoule_function.py'),
    `import ${name} as module\nimport ampoule\n\nWitWorld = ampoule.world(module)\n`,
  )
  // After the project's own; beside it, where the package lies, nothing may be written: Python keeps what it compiles.
  await copyFile(join(BINDING, 'ampoule.py'), join(scratch, 'ampoule.py'))
  const paths = [folder, scratch].flatMap((path) => ['-p', path])
  const args = ['-d', WORLD, '-w', 'event', 'componentize', ...paths, 'ampoule_function', '-o', wasm]
  const env = environment === undefined ? {} : { VIRTUAL_ENV: environment }
  const result = await tools.run(program, args, { cwd: scratch, env: { ...env, PYTHONDONTWRITEBYTECODE: '1' } })
  if (result.code !== 0) throw pythonError(result, [folder, scratch])
  return { wasm, form: 'component', inputs }
}

/** The end of a traceback. Folders of the search path are `/0`, `/1`, … in it, in their order. */
function pythonError({ code, stdout, stderr }: ToolResult, folders: readonly string[]): BuildError {
  const output = `${stderr}\n${stdout}`
  const frames = [...output.matchAll(/File "\/(\d+)\/([^"]+)", line (\d+)/g)].flatMap(([, place = '', file = '', line = '']) => {
    const folder = folders[Number(place)]
    return folder === folders[0] && folder !== undefined ? [{ file: join(folder, file), line: Number(line), column: 1 }] : []
  })
  const message = /^(?:\s*)([A-Z]\w*(?:Error|Exception|Interrupt|Exit|Iteration)\b.*)$/m.exec(output)?.[1]
  return new BuildError(message ?? `componentize-py failed (exit code ${code}): ${firstLine(output)}`, frames.at(-1), {
    cause: output,
  })
}

/** `.venv` beside the source, or else what the shell has activated. */
async function virtualEnvironment(folder: string): Promise<string | undefined> {
  const own = join(folder, '.venv')
  return (await isFolder(own)) ? own : process.env['VIRTUAL_ENV']
}

/** What can be imported from the folder: its Python files and those of the folders below, with the folders themselves. */
async function pythonFiles(folder: string): Promise<string[]> {
  const found: string[] = [folder]
  for (let i = 0; i < found.length && found.length < MAX_FILES; i++) {
    const path = found[i] ?? ''
    if (!(await isFolder(path))) continue
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith('.py')) found.push(join(path, entry.name))
      if (entry.isDirectory() && !/^[._]|^node_modules$/.test(entry.name)) found.push(join(path, entry.name))
    }
  }
  return found
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
