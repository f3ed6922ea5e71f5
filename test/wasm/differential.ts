import { createHash } from 'node:crypto'
import type { ModuleInfo } from '../../src/wasm/model.ts'
import { instrumentModule } from '../../src/wasm/instrument.ts'
import { parseModule } from '../../src/wasm/parse.ts'
import { instantiate, type Runtime } from '../../src/wasm/runtime.ts'
import { asImports, callable, jsTag, makeGlobal, setGlobal, table } from './dynamic.ts'
import { isReference, typeName, type ValueType } from '../../src/wasm/types.ts'

/** One run of everything that a module exports, as lines that two runs must share. */
interface World {
  readonly imports: WebAssembly.Imports
  readonly lines: string[]
  /** What imports that reach back into the instance work on. */
  exports: WebAssembly.Exports
  reset(): void
}

export interface Outcome {
  /** Why nothing was compared. */
  readonly skipped?: string
  readonly calls: number
  readonly traps: number
  readonly fuel: bigint
  readonly restored: boolean
}

const BUDGET = 10n ** 12n
/** Imports that call exports could run for ever; both sides stop at the same point. */
const MAX_DEPTH = 3
const MAX_NESTED = 500
const MAX_LINES = 20_000
const PAGE = 65_536

function show(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return `${value}n`
  // The name of an exported function is its index, which moves.
  if (typeof value === 'function') return 'function'
  if (Array.isArray(value)) return `[${value.map(show).join()}]`
  return typeof value === 'object' && value !== null ? 'object' : String(value)
}

/** Traps and errors by kind: an exhausted stack depends on frame sizes and is told apart. */
function showError(error: unknown): string {
  if (error instanceof WebAssembly.RuntimeError) return 'trap'
  if (error instanceof WebAssembly.Exception) return 'exception'
  if (error instanceof RangeError) return /stack/i.test(error.message) ? 'stack' : 'trap'
  return error instanceof Error ? error.constructor.name : 'thrown'
}

function argument(type: ValueType, index: number): unknown {
  switch (typeName(type)) {
    case 'i32':
      return [3, -1, 70_000][index % 3]
    case 'i64':
      return [5n, -1n, 1n << 40n][index % 3]
    case 'f32':
    case 'f64':
      return [1.5, -0, 1e10][index % 3]
    default:
      return null
  }
}

const caught = (run: () => void): number => {
  try {
    run()
    return 0
  } catch (error) {
    if (showError(error) === 'stack') throw error
    return 1
  }
}

function makeWorld(info: ModuleInfo): World {
  const lines: string[] = []
  const note = (line: string): void => {
    if (lines.length < MAX_LINES) lines.push(line)
  }
  let depth = 0
  let nestedCalls = 0
  const names = info.exports.filter(({ kind }) => kind === 'func').map(({ name }) => name)
  const functions = new Map(info.exports.filter(({ kind }) => kind === 'func').map(({ name, index }) => [name, index]))
  const globals: { global: WebAssembly.Global; value: unknown }[] = []
  const log = (...values: unknown[]): void => note(`log ${values.map(show).join()}`)
  const nested = (run: () => unknown): unknown => {
    if (depth >= MAX_DEPTH || nestedCalls++ > MAX_NESTED) return undefined
    depth++
    try {
      return run()
    } finally {
      depth--
    }
  }
  const callByIndex = (index: number): void => {
    const name = names[(index >>> 0) % Math.max(names.length, 1)]
    if (name !== undefined) nested(() => callExport(world.exports, info, name, functions.get(name)!))
  }
  const callRef = (ref: unknown): void => void nested(() => (typeof ref === 'function' ? callable(ref)() : undefined))
  const support: Record<string, unknown> = {
    throw: (which: number) => {
      note(`throw ${which}`)
      throw new WebAssembly.Exception(tag, [which])
    },
    'table-get': (index: number) => table(world.exports['table']).get(index >>> 0) as unknown,
    'table-set': (index: number, value: unknown) => {
      const touch = world.exports['ampoule:touch:table']
      if (touch !== undefined) callable(touch)()
      table(world.exports['table']).set(index >>> 0, value)
    },
    'call-export': callByIndex,
    'call-export-catch': (index: number) => caught(() => callByIndex(index)),
    'call-ref': callRef,
    'call-ref-catch': (ref: unknown) => caught(() => callRef(ref)),
    sleep: (_ms: number, id: number) => id,
  }
  const tag = new WebAssembly.Tag({ parameters: ['i32'] })
  const imports: Record<string, Record<string, unknown>> = {}
  let nextGlobal = 0
  let nextFunction = 0
  for (const { module, name, kind } of info.imports) {
    const scope = (imports[module] ??= {})
    if (kind === 'func') {
      nextFunction++
      scope[name] = support[name] ?? (name.startsWith('log-') ? log : () => note(`import ${name}`))
    } else if (kind === 'tag') {
      scope[name] = name === 'jstag' ? jsTag : tag
    } else if (kind === 'global') {
      const { type, mutable } = info.globals[nextGlobal++]!
      const value = isReference(type) ? (typeName(type).includes('extern') ? { object: name } : null) : argument(type, 0)
      if (!mutable) scope[name] = value
      else {
        const global = makeGlobal(typeName(type), value)
        globals.push({ global, value })
        scope[name] = global
      }
    }
  }
  const world: World = {
    imports: asImports(imports),
    lines,
    exports: {},
    reset: () => {
      lines.length = 0
      nestedCalls = 0
      for (const { global, value } of globals) setGlobal(global, value)
    },
  }
  return world
}

function callExport(exports: WebAssembly.Exports, info: ModuleInfo, name: string, index: number): unknown {
  const type = info.types[info.functions[index]!]!
  const params = type.kind === 'func' ? type.params : []
  return callable(exports[name])(...params.map(argument))
}

/** Calls every export and looks at everything that is exported; leaves the lines in the world. */
function runAll(world: World, info: ModuleInfo, exports: WebAssembly.Exports): readonly string[] {
  const { lines } = world
  for (const { name, kind, index } of info.exports) {
    if (kind !== 'func') continue
    try {
      lines.push(`${name} = ${show(callExport(exports, info, name, index))}`)
    } catch (error) {
      lines.push(`${name} ! ${showError(error)}`)
    }
  }
  for (const { name, kind } of info.exports) {
    const value = exports[name]
    if (value instanceof WebAssembly.Memory) {
      const bytes = new Uint8Array(value.buffer)
      const pages = exports[`ampoule:pages:${name}`]
      const size = pages instanceof WebAssembly.Global ? Number(pages.value) * PAGE : bytes.length
      lines.push(`memory ${name} ${size} ${createHash('sha1').update(bytes.subarray(0, size)).digest('hex')}`)
    }
    if (value instanceof WebAssembly.Table) lines.push(`table ${name} ${show(tableEntries(value))}`)
    if (kind === 'global' && value instanceof WebAssembly.Global) lines.push(`global ${name} ${readGlobal(value)}`)
  }
  return [...lines]
}

function tableEntries(table: WebAssembly.Table): unknown[] {
  try {
    return Array.from({ length: Math.min(table.length, 1000) }, (_, index) => table.get(index) as unknown)
  } catch {
    return []
  }
}

function readGlobal(global: WebAssembly.Global): string {
  try {
    return show(global.value)
  } catch {
    return 'unreadable'
  }
}

interface Copy {
  readonly memory: WebAssembly.Memory
  readonly bytes: Uint8Array
}

function copyMemories(exports: WebAssembly.Exports): Copy[] {
  return Object.entries(exports)
    .filter(
      (entry): entry is [string, WebAssembly.Memory] =>
        /^ampoule:memory\d+$/.test(entry[0]) && entry[1] instanceof WebAssembly.Memory,
    )
    .map(([, memory]) => ({ memory, bytes: new Uint8Array(memory.buffer).slice() }))
}

/** What the host does beside `ampoule:restore`. */
function putBack(copies: readonly Copy[]): void {
  for (const { memory, bytes } of copies) {
    const now = new Uint8Array(memory.buffer)
    now.fill(0, bytes.length)
    now.set(bytes)
  }
}

function difference(left: readonly string[], right: readonly string[]): string | undefined {
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (left[i] !== right[i]) return `line ${i}: ${left[i]?.slice(0, 300)} | ${right[i]?.slice(0, 300)}`
  }
  return undefined
}

/** Calls one of the injected functions. */
const call = (value: unknown): number => Number(callable(value)())

/** What must hold of a module and its instrumented form; throws an Error that says what does not. */
export function compare(bytes: Uint8Array<ArrayBuffer>): Outcome {
  const nothing = { calls: 0, traps: 0, fuel: 0n, restored: false }
  if (!WebAssembly.validate(bytes)) return { ...nothing, skipped: 'the generator made an invalid module' }
  const info = parseModule(bytes)
  const plainWorld = makeWorld(info)
  let plainError: string | undefined
  let plain: readonly string[] = []
  const plainModule = new WebAssembly.Module(bytes)
  try {
    const { exports } = new WebAssembly.Instance(plainModule, plainWorld.imports)
    plainWorld.exports = exports
    plain = runAll(plainWorld, info, exports)
  } catch (error) {
    plainError = showError(error)
    plain = [...plainWorld.lines, plainError]
  }
  if (plain.some((line) => line.endsWith('stack'))) return { ...nothing, skipped: 'the plain module exhausts the stack' }

  const { bytes: output, report } = instrumentModule(bytes)
  const module = new WebAssembly.Module(output)
  const start = (fuel: bigint): { world: World; runtime?: Runtime; error?: string } => {
    const world = makeWorld(info)
    try {
      const runtime = instantiate(module, world.imports, { fuel })
      world.exports = runtime.instance.exports
      return { world, runtime }
    } catch (error) {
      return { world, error: showError(error) }
    }
  }
  const first = start(BUDGET)
  if (first.runtime === undefined) {
    const lines = [...first.world.lines, first.error!]
    const unlike = difference(plain, lines)
    if (unlike !== undefined) throw new Error(`instantiation differs: ${unlike}`)
    return { ...nothing, skipped: 'the module does not instantiate' }
  }
  const lines = runAll(first.world, info, first.runtime.instance.exports)
  const unlike = difference(plain, lines)
  if (unlike !== undefined) throw new Error(`the instrumented module differs: ${unlike}`)
  const fuel = first.runtime.used()
  const calls = info.exports.filter(({ kind }) => kind === 'func').length
  const traps = lines.filter((line) => line.endsWith('! trap')).length

  const second = start(BUDGET)
  const again = runAll(second.world, info, second.runtime!.instance.exports)
  const other = difference(lines, again)
  if (other !== undefined) throw new Error(`a second fresh instance differs: ${other}`)
  if (second.runtime!.used() !== fuel) throw new Error(`fuel is not deterministic: ${fuel}, ${second.runtime!.used()}`)

  const restored = compareRestored(info, report.unrestorable, start(BUDGET))
  compareKilled(info, fuel, start)
  return { calls, traps, fuel, restored }
}

function compareRestored(info: ModuleInfo, unrestorable: readonly string[], made: { world: World; runtime?: Runtime }): boolean {
  const { world } = made
  const runtime = made.runtime!
  const { exports } = runtime.instance
  world.reset()
  runtime.refill(BUDGET)
  call(exports['ampoule:save'])
  const copies = copyMemories(exports)
  if (call(exports['ampoule:changed']) !== 0) throw new Error('changed right after save')
  const before = runAll(world, info, exports)
  const burnt = runtime.used()
  call(exports['ampoule:restore'])
  const changed = call(exports['ampoule:changed'])
  if ((changed & 3) !== 0) throw new Error(`changed() is ${changed} after restore`)
  if ((changed & 4) !== 0) return false
  if (unrestorable.some((reason) => !/ holds (externref|exnref|\(ref (extern|exn)\))/.test(reason))) return false
  putBack(copies)
  world.reset()
  runtime.refill(BUDGET)
  const after = runAll(world, info, exports)
  const unlike = difference(before, after)
  if (unlike !== undefined) throw new Error(`the restored instance differs: ${unlike}`)
  if (runtime.used() !== burnt) throw new Error(`a restored instance burns ${runtime.used()} instead of ${burnt}`)
  return true
}

/** With less fuel than it needs the module runs out of it. */
function compareKilled(info: ModuleInfo, fuel: bigint, start: (fuel: bigint) => { world: World; runtime?: Runtime }): void {
  for (const budget of [0n, fuel / 3n, fuel / 2n]) {
    if (budget >= fuel) continue
    const { world, runtime } = start(budget)
    if (runtime === undefined) continue
    runAll(world, info, runtime.instance.exports)
    if (runtime.used() <= budget) throw new Error(`budget ${budget} of ${fuel} did not stop it`)
  }
}
