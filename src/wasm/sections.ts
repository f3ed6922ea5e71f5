import type { Additions } from './assemble.ts'
import type { ModuleInfo, Section } from './model.ts'
import { rewriteNames } from './names.ts'
import { writeValueType } from './types.ts'
import { Writer } from './writer.ts'

export interface Parts {
  /** All bodies, each behind its length. */
  readonly code: Writer
  readonly hints: { readonly count: number; readonly entries: Writer } | undefined
  readonly additions: Additions
  /** The new index of a label of the nth defined function. */
  readonly labelIndex: (defined: number, label: number) => number
}

const TYPE = 1
const IMPORT = 2
const FUNCTION = 3
const TABLE = 4
const GLOBAL = 6
const EXPORT = 7
const START = 8
const CODE = 10
const DATA = 11
/** Known sections in their order; `CUSTOM` ones are written where they were. */
const ORDER = [TYPE, IMPORT, FUNCTION, TABLE, 5, 13, GLOBAL, EXPORT, START, 9, 12, CODE, DATA]
const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

/** Custom sections that speak of byte offsets or symbol tables of the code as it was. */
const STALE = /^(\.debug|reloc\.|linking$|sourceMappingURL$|external_debug_info$|metadata\.code\.)/

/** Copies a range of the input with function and global indices as they are in the output. */
export function copyPatched(info: ModuleInfo, additions: Additions, out: Writer, from: number, to: number): void {
  const { patches, bytes } = info
  let low = 0
  for (let high = patches.length; low < high;) {
    const middle = (low + high) >> 1
    if (patches[middle]!.from < from) low = middle + 1
    else high = middle
  }
  let done = from
  for (let i = low; i < patches.length; i++) {
    const patch = patches[i]!
    if (patch.from >= to) break
    out.copy(bytes, done, patch.from)
    const [imported, shift] =
      patch.space === 'func'
        ? [info.importedFunctions, additions.functionImports.length]
        : [info.importedGlobals, additions.globalImports.length]
    out.u32(patch.index < imported ? patch.index : patch.index + shift)
    done = patch.to
  }
  out.copy(bytes, done, to)
}

/** Puts the output together: what the input has, with what the passes add behind it in each section. */
export function writeModule(info: ModuleInfo, parts: Parts): Uint8Array<ArrayBuffer> {
  const out = new Writer(info.bytes.length + parts.code.pos + 65_536)
  out.bytes(...HEADER)
  const known = new Map(info.sections.filter(({ id }) => id !== 0).map((section) => [section.id, section]))
  const customs = info.sections.filter(({ id }) => id === 0)
  let custom = 0
  const writeCustomsBefore = (position: number): void => {
    for (; custom < customs.length && customs[custom]!.from < position; custom++) writeCustom(info, parts, customs[custom]!, out)
  }
  for (const id of ORDER) {
    const section = known.get(id)
    if (section !== undefined) writeCustomsBefore(section.from)
    if (id === CODE && parts.hints !== undefined) writeHints(out, parts.hints)
    writeSection(info, parts, id, section, out)
  }
  writeCustomsBefore(Infinity)
  return out.take()
}

function writeHints(out: Writer, hints: { readonly count: number; readonly entries: Writer }): void {
  out.byte(0)
  out.sized(() => {
    out.name('metadata.code.branch_hint')
    out.u32(hints.count)
    out.copy(hints.entries.view(), 0, hints.entries.pos)
  })
}

function writeCustom(info: ModuleInfo, parts: Parts, section: Section, out: Writer): void {
  if (STALE.test(section.name!)) return
  if (section.name === 'name') {
    const renamed = rewriteNames(info, section, parts.additions, parts.labelIndex)
    if (renamed === undefined) return
    out.byte(0)
    out.sized(() => out.copy(renamed, 0, renamed.length))
    return
  }
  out.byte(0)
  out.u32(section.to - section.from)
  out.copy(info.bytes, section.from, section.to)
}

/** How many entries each section gains, and how they are written. */
function added(parts: Parts, id: number): readonly [count: number, write: (out: Writer) => void] {
  const { additions } = parts
  switch (id) {
    case TYPE:
      return [additions.types.length, (out) => additions.types.forEach((type) => writeFuncType(out, type))]
    case IMPORT:
      return [additions.functionImports.length + additions.globalImports.length, (out) => writeImports(out, additions)]
    case FUNCTION:
      return [additions.functions.length, (out) => additions.functions.forEach(({ type }) => out.u32(type))]
    case TABLE:
      return [additions.tables.length, (out) => additions.tables.forEach((write) => write(out))]
    case GLOBAL:
      return [additions.globals.length, (out) => writeGlobals(out, additions)]
    case EXPORT:
      return [additions.exports.length, (out) => writeExports(out, additions)]
    case CODE:
      return [additions.functions.length, () => undefined]
    default:
      return [0, () => undefined]
  }
}

function writeSection(info: ModuleInfo, parts: Parts, id: number, section: Section | undefined, out: Writer): void {
  const [more, write] = added(parts, id)
  if (section === undefined && more === 0) return
  out.byte(id)
  if (section !== undefined && (id === START || id === 12)) {
    out.sized(() => copyPatched(info, parts.additions, out, section.from, section.to))
    return
  }
  out.sized(() => {
    out.u32((section?.count ?? 0) + more)
    if (id === CODE) out.copy(parts.code.view(), 0, parts.code.pos)
    else if (section !== undefined) copyPatched(info, parts.additions, out, section.entries, section.to)
    write(out)
  })
}

function writeFuncType(out: Writer, type: Additions['types'][number]): void {
  out.byte(0x60)
  for (const list of [type.params, type.results]) {
    out.u32(list.length)
    for (const value of list) writeValueType(out, value)
  }
}

function writeImports(out: Writer, additions: Additions): void {
  for (const { module, name, type } of additions.functionImports) {
    out.name(module)
    out.name(name)
    out.byte(0)
    out.u32(type)
  }
  for (const { module, name, type } of additions.globalImports) {
    out.name(module)
    out.name(name)
    out.byte(3)
    writeValueType(out, type)
    out.byte(1)
  }
}

function writeGlobals(out: Writer, additions: Additions): void {
  for (const { type, initial } of additions.globals) {
    writeValueType(out, type)
    out.byte(1)
    initial(out)
  }
}

function writeExports(out: Writer, additions: Additions): void {
  for (const { name, kind, index } of additions.exports) {
    out.name(name)
    out.byte(kind)
    out.u32(index())
  }
}
