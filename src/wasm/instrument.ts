import { PREFIX_THREADS } from './opcodes.ts'
import { AmpouleError } from '../errors.ts'
import { Additions, Assembler, type Indices, type Ref } from './assemble.ts'
import { Bulk } from './bulk.ts'
import type { InstrumentModule, InstrumentOptions, InstrumentReport } from './contract.ts'
import { Drops } from './drops.ts'
import { Emitter } from './emit.ts'
import { Fuel } from './fuel.ts'
import { unlimited } from './heap.ts'
import { Memories } from './memories.ts'
import type { ModuleInfo } from './model.ts'
import { namesLabels } from './names.ts'
import { parseModule } from './parse.ts'
import { type Replacements, type ScannedFunction, Scanner } from './scan.ts'
import { copyPatched, type Parts, writeModule } from './sections.ts'
import { addState, unrestorable } from './state.ts'
import { Tables } from './tables.ts'
import { typeName } from './types.ts'
import { Writer } from './writer.ts'

export const DEFAULT_MAX_FUNCTION_BYTES = 2 * 1024 * 1024

/**
 * Adds fuel metering, virtual memory sizes and restorable state to a core module (contract.ts says what it then imports and
 * exports). A module that defines nothing comes back as it is.
 */
export const instrumentModule: InstrumentModule = (bytes, options = {}) => {
  const info = parseModule(bytes)
  refuseInstrumented(info)
  const maxFunctionBytes = options.maxFunctionBytes ?? DEFAULT_MAX_FUNCTION_BYTES
  for (let i = 0; i < info.bodies.length; i += 2) checkSize(info.bodies[i + 1]! - info.bodies[i]!, i / 2, info, maxFunctionBytes)
  const definesNothing =
    info.bodies.length === 0 &&
    info.tables.every((table) => table.from !== undefined) &&
    info.memories.every((memory) => memory.from !== undefined) &&
    info.globals.length === info.importedGlobals &&
    // What is passed on needs its companions passed on.
    info.exports.every(({ kind }) => kind !== 'memory' && kind !== 'table')
  if (definesNothing) return { bytes: new Uint8Array(bytes), report: reportOf(info, options, 0, new Uint8Array(0)) }
  return new Instrumentation(info, options).run(maxFunctionBytes)
}

const ours = (name: string): boolean => name.startsWith('ampoule:')

function refuseInstrumented(info: ModuleInfo): void {
  if (
    info.imports.some(({ module, name }) => module === 'ampoule' || ours(name)) ||
    info.exports.some(({ name }) => ours(name))
  ) {
    throw new AmpouleError('InvalidModule', 'the module imports or exports names of `ampoule`: is it instrumented already?')
  }
}

function checkSize(size: number, defined: number, info: ModuleInfo, limit: number): void {
  if (size <= limit) return
  const message = `function ${info.importedFunctions + defined} takes ${size} bytes, more than maxFunctionBytes allows (${limit})`
  throw new AmpouleError('InvalidModule', message)
}

function whyInvalid(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    // With lazy validation this may succeed; then there is no reason to show.
    void new WebAssembly.Module(bytes)
    return 'the engine finds the module invalid'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

class Instrumentation {
  readonly #info: ModuleInfo
  readonly #options: InstrumentOptions
  readonly #additions: Additions
  readonly #fuel: Fuel | undefined
  readonly #memories: Memories
  readonly #tables: Tables
  readonly #drops: Drops | undefined
  readonly #bulk: Bulk
  readonly #indices: Indices

  constructor(info: ModuleInfo, options: InstrumentOptions) {
    this.#info = info
    this.#options = options
    const additions = new Additions(info.types, info.tables.length)
    this.#additions = additions
    this.#fuel = options.fuel !== false && info.bodies.length > 0 ? new Fuel(additions) : undefined
    this.#memories = new Memories(info, additions, this.#fuel, options.limits !== false)
    const state = options.state !== false
    this.#tables = new Tables(info, additions, { fuel: this.#fuel, limits: options.limits !== false, state }, (index, out) => {
      const init = info.tables[index]!.init
      if (init !== undefined) copyPatched(info, additions, out, init[0], init[1])
    })
    this.#drops = state ? new Drops(info, additions) : undefined
    this.#bulk = new Bulk(info, additions, {
      fuel: this.#fuel,
      memories: this.#memories,
      tables: this.#tables,
      drops: this.#drops,
    })
    this.#indices = {
      func: (ref) => (ref.imported ? info.importedFunctions : info.functions.length + additions.functionImports.length) + ref.nth,
      global: (ref) => (ref.imported ? info.importedGlobals : info.globals.length + additions.globalImports.length) + ref.nth,
    }
  }

  run(maxFunctionBytes: number): ReturnType<InstrumentModule> {
    const info = this.#info
    const scanner = new Scanner(info, this.#replacements())
    scanner.withLabels = namesLabels(info)
    const functions: ScannedFunction[] = []
    for (let i = 0; i < info.bodies.length / 2; i++) functions.push(scanner.scan(i))
    // The walks check what they rely on; whether the code is well-typed is the engine's to say, and before anything is added.
    if (!WebAssembly.validate(info.bytes)) throw new AmpouleError('InvalidModule', whyInvalid(info.bytes))
    this.#addExports()
    const wrapperType = this.#addWrapperTypes(functions)

    const code = new Writer(Math.ceil(this.#codeBytes() * 1.6) + 4096)
    const hints = new Writer(1024)
    let largest = 0
    let hinted = 0
    const emitter = new Emitter(
      {
        info,
        indices: this.#indices,
        fuel: this.#fuel,
        refs: scanner.refs,
        tableWrite: (table) => {
          const touch = this.#tables.touch(table)
          return touch === undefined ? undefined : { touch, dirty: this.#tables.states.get(table)?.dirty }
        },
      },
      this.#additions,
      code,
    )
    emitter.wrapperType = wrapperType
    const close = (open: number, index: number, offsets: readonly number[]): void => {
      code.closeSized(open)
      if (offsets.length === 0) return
      hinted++
      hints.u32(index + info.importedFunctions + this.#additions.functionImports.length)
      hints.u32(offsets.length)
      for (const offset of offsets) {
        hints.u32(offset)
        hints.bytes(1, 0)
      }
    }
    for (const [index, scanned] of functions.entries()) {
      const open = code.openSized()
      const start = code.pos
      emitter.body(index, scanned, scanner.sites)
      const size = code.pos - start
      checkSize(size, index, info, maxFunctionBytes)
      largest = Math.max(largest, size)
      close(open, index, emitter.hints)
    }
    for (const [nth, injected] of this.#additions.functions.entries()) {
      const assembler = new Assembler(this.#indices, injected.locals)
      injected.emit(assembler)
      assembler.op(0x0b)
      const open = code.openSized()
      code.copy(assembler.out.view(), 0, assembler.out.pos)
      close(open, functions.length + nth, assembler.hints)
    }
    const parts: Parts = {
      code,
      hints: hinted === 0 ? undefined : { count: hinted, entries: hints },
      additions: this.#additions,
      labelIndex: (index, label) => {
        const scanned = functions[index]
        return scanned === undefined ? label : emitter.labelIndex(scanned, scanner.sites, label)
      },
    }
    return {
      bytes: writeModule(info, parts),
      report: reportOf(info, this.#options, largest, scanner.seen),
    }
  }

  #codeBytes(): number {
    let total = 0
    for (let i = 0; i < this.#info.bodies.length; i += 2) total += this.#info.bodies[i + 1]! - this.#info.bodies[i]! + 5
    return total
  }

  /** Functions with parameters and several results need a type () -> results for their wrapper block. */
  #addWrapperTypes(functions: readonly ScannedFunction[]): (index: number) => number {
    const info = this.#info
    const made = new Map<number, number>()
    for (const [index, scanned] of functions.entries()) {
      if (this.#fuel === undefined || !scanned.hasLoop || scanned.hasHandler || !scanned.branchesOut) continue
      const typeIndex = info.functions[info.importedFunctions + index]!
      const type = info.types[typeIndex]!
      if (type.kind === 'func' && type.params.length > 0 && type.results.length > 1)
        made.set(typeIndex, this.#additions.type([], type.results))
    }
    return (index) => made.get(index) ?? index
  }

  #replacements(): Replacements {
    const memories = this.#memories
    const tables = this.#tables
    const bulk = this.#bulk
    const limitsOrFuel = this.#fuel !== undefined || memories.virtual
    const any = limitsOrFuel || tables.state
    return {
      bulk: (slot, first, second, at) => (any ? bulk.helper(slot, first, second, at) : undefined),
      memorySize: (memory) => memories.pages(memory),
      memoryGrow: (memory) => (memories.virtual ? memories.grow(memory) : undefined),
      tableGrow: (table) => (any ? tables.grow(table) : undefined),
      tableWrite: (table) => tables.touch(table) !== undefined,
      drop: (space, index) => (this.#drops === undefined ? 'keep' : (this.#drops.flag(space, index) ?? 'remove')),
    }
  }

  #addExports(): void {
    const info = this.#info
    const { exports, globalImports } = this.#additions
    const memories = this.#memories
    const tables = this.#tables
    const { state } = tables
    const global = (name: string, ref: Ref): void => void exports.push({ name, kind: 3, index: () => this.#indices.global(ref) })
    const func = (name: string, ref: Ref): void => void exports.push({ name, kind: 0, index: () => this.#indices.func(ref) })
    if (this.#fuel !== undefined) global('ampoule:fuel', this.#fuel.global)
    for (const { name, kind, index } of info.exports) {
      if (kind === 'memory' && memories.virtual) {
        const pages = memories.pages(index)
        if (pages !== undefined) global(`ampoule:pages:${name}`, pages)
        func(`ampoule:grow:${name}`, memories.grow(index))
      }
      if (kind === 'table') {
        const touch = tables.touch(index)
        if (touch !== undefined) func(`ampoule:touch:${name}`, touch)
        if (state || memories.virtual) func(`ampoule:grow:${name}`, tables.grow(index))
      }
    }
    for (const [index, { from }] of info.memories.entries()) {
      if (from !== undefined || (!state && !memories.virtual)) continue
      exports.push({ name: `ampoule:memory${index}`, kind: 2, index: () => index })
      const pages = memories.pages(index)
      if (pages !== undefined) global(`ampoule:pages${index}`, pages)
    }
    if (!state) return
    for (const [index, { mutable, from }] of info.globals.entries()) {
      if (mutable && from === undefined)
        exports.push({ name: `ampoule:global${index}`, kind: 3, index: () => index + globalImports.length })
    }
    for (const [index, { from }] of info.tables.entries()) {
      if (from === undefined) exports.push({ name: `ampoule:table${index}`, kind: 1, index: () => index })
    }
    for (const [name, flag] of this.#drops?.flags() ?? []) global(`ampoule:dropped-${name}`, flag)
    const { save, restore, changed } = addState(info, this.#additions, { memories, tables, drops: this.#drops })
    func('ampoule:save', save)
    func('ampoule:restore', restore)
    func('ampoule:changed', changed)
  }
}

function reportOf(info: ModuleInfo, options: InstrumentOptions, largestOutput: number, seen: Uint8Array): InstrumentReport {
  let largest = largestOutput
  for (let i = 0; i < info.bodies.length; i += 2) largest = Math.max(largest, info.bodies[i + 1]! - info.bodies[i]!)
  return {
    memories: info.memories.map(({ from, min, max, wide, shared }, index) => ({
      index,
      ...(from === undefined ? {} : { from }),
      minPages: min,
      maxPages: max,
      memory64: wide,
      shared,
      pageSizeLog2: 16,
    })),
    globals: [...info.globals.entries()]
      .filter(([, { mutable, from }]) => mutable && from === undefined)
      .map(([index, { type }]) => ({ index, type: typeName(type), export: `ampoule:global${index}` })),
    tables: info.tables.map(({ from, type, min, max }, index) => ({
      index,
      type: typeName(type),
      min,
      max,
      imported: from !== undefined,
    })),
    hasStart: info.start !== undefined,
    atomics: seen.includes(1, PREFIX_THREADS),
    unrestorable: options.state === false ? [] : unrestorable(info),
    unlimited: options.limits === false ? [] : unlimited(info, seen),
    functions: info.bodies.length / 2,
    largestFunctionBytes: largest,
  }
}
