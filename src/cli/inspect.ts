import { inspectComponent, type ComponentInspection } from '../component/inspect.ts'
import { binaryKind } from '../component/parse.ts'
import { inspectModule, type ModuleInspection } from '../wasm/index.ts'
import { isSupported } from '../wasi/index.ts'
import { named, read, type Output } from './wasm-file.ts'

interface Options {
  readonly json?: boolean
  readonly out?: Output
}

/** `ampoule module inspect FILE`: what a core module or a component is made of. Throws `InvalidModule`, `InvalidComponent` with the file's name. */
export async function inspect(file: string, options: Options = {}): Promise<ModuleInspection | ComponentInspection> {
  const { out = process.stdout, json = false } = options
  const bytes = await read(file)
  if (binaryKind(bytes) === 'component') {
    const found = await inspectComponent(bytes, { isSupported })
    out.write(json ? `${JSON.stringify(found, undefined, 2)}\n` : describeComponent(file, found))
    return found
  }
  const found = named(file, inspectModule, bytes)
  out.write(json ? `${JSON.stringify(found, undefined, 2)}\n` : describeModule(file, found))
  return found
}

const WAYS: Readonly<Record<ComponentInspection['ways'][number], string>> = {
  event: 'events (handle)',
  exchange: 'HTTP requests (exchange)',
  http: 'wasi:http/incoming-handler',
  load: 'scripts that it loads',
}

function describeComponent(file: string, { bytes, world, modules, ways, refused }: ComponentInspection): string {
  const callable =
    refused === undefined ? `can be called by: ${ways.map((way) => WAYS[way]).join(', ')}` : `cannot be a function: ${refused}`
  const described = modules.map((module, index) => describeModule(`core module ${index}`, module))
  return `${file}: a component of ${bytes} bytes\n${callable}\n\n${world.trim()}\n\n${described.join('\n')}`
}

const list = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]
const limits = (min: number, max: number | undefined): string => `${min}${max === undefined ? ' or more' : ` to ${max}`}`

function describeModule(file: string, found: ModuleInspection): string {
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
    ...list('no memory limit holds', found.unlimited),
  ].join('\n')}\n`
}
