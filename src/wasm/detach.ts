import type { DataSegment, DetachInitialisation } from './contract.ts'
import { readConstantExpression } from './constant.ts'
import type { ModuleInfo } from './model.ts'
import { parseModule } from './parse.ts'
import { Reader } from './reader.ts'
import { I32, I64 } from './types.ts'
import { Writer } from './writer.ts'

const GLOBAL = 6
const EXPORT = 7
const START = 8
const DATA = 11
/** Known sections that must come behind the global section, and behind the export section (custom ones may stand anywhere). */
const BEHIND_GLOBAL: ReadonlySet<number> = new Set([7, 8, 9, 10, 11, 12])
const BEHIND_EXPORT: ReadonlySet<number> = new Set([8, 9, 10, 11, 12])
const KIND_FUNC = 0
const KIND_GLOBAL = 3

interface Added {
  readonly globals: { readonly type: number; readonly from: number; readonly to: number }[]
  readonly exports: { readonly name: string; readonly kind: number; readonly index: number }[]
}

/**
 * Takes the initialisation out of a module: what is left has the same code for every snapshot of the same program, so V8 compiles it
 * once for all of them. Active data segments become empty passive ones (what an active segment is anyway once it has been applied, so
 * that `memory.init` behaves the same) and are returned; the start function is exported as `ampoule:start` and not run. Offsets that
 * are no plain constants are exported as globals `ampoule:offset<segment>`. Tables still get their element segments.
 * Throws `AmpouleError('InvalidModule')` when the module is malformed.
 */
export const detachInitialisation: DetachInitialisation = (bytes) => {
  const info = parseModule(bytes)
  const added: Added = { globals: [], exports: [] }
  const data = new Writer()
  const segments = readSegments(info, bytes, data, added)
  if (info.start !== undefined) added.exports.push({ name: 'ampoule:start', kind: KIND_FUNC, index: info.start })

  const out = new Writer(bytes.length)
  out.copy(bytes, 0, 8)
  let globals = added.globals.length === 0
  let exports = added.exports.length === 0
  for (const section of info.sections) {
    if (!globals && BEHIND_GLOBAL.has(section.id)) {
      writeGlobals(out, bytes, added, undefined)
      globals = true
    }
    if (!exports && BEHIND_EXPORT.has(section.id)) {
      writeExports(out, bytes, added, undefined)
      exports = true
    }
    if (section.id === START) continue
    if (section.id === GLOBAL && !globals) {
      writeGlobals(out, bytes, added, section)
      globals = true
    } else if (section.id === EXPORT && !exports) {
      writeExports(out, bytes, added, section)
      exports = true
    } else if (section.id === DATA) {
      out.byte(DATA)
      out.u32(data.pos)
      out.copy(data.view(), 0, data.pos)
    } else {
      out.byte(section.id)
      out.u32(section.to - section.from)
      out.copy(bytes, section.from, section.to)
    }
  }
  return { bytes: out.take(), segments, start: info.start !== undefined }
}

function readSegments(info: ModuleInfo, bytes: Uint8Array, out: Writer, added: Added): DataSegment[] {
  const section = info.sections.find(({ id }) => id === DATA)
  if (section === undefined) return []
  const segments: DataSegment[] = []
  const reader = new Reader(bytes, section.entries, section.to)
  // A segment's number is part of the code that names it; without such code the section is nothing but its contents.
  const named = info.dataCount !== undefined
  out.u32(named ? section.count : info.data.filter((mode) => mode === 'passive').length)
  for (let i = 0; i < section.count; i++) {
    const from = reader.pos
    const flags = reader.u32()
    const memory = flags === 2 ? reader.u32() : 0
    const at = reader.pos
    if (flags !== 1) readConstantExpression({ ...info, patches: [] }, reader)
    const to = reader.pos
    const length = reader.u32()
    const start = reader.pos
    reader.skip(length)
    if (flags === 1) {
      out.copy(bytes, from, reader.pos)
      continue
    }
    if (named) out.bytes(1, 0)
    const offset = constant(bytes, at, to) ?? `ampoule:offset${i}`
    if (typeof offset === 'string') {
      added.exports.push({ name: offset, kind: KIND_GLOBAL, index: info.globals.length + added.globals.length })
      added.globals.push({ type: info.memories[memory]?.wide === true ? I64 : I32, from: at, to })
    }
    segments.push({ memory, offset, bytes: bytes.slice(start, start + length) })
  }
  return segments
}

/** The value of `i32.const n end` or `i64.const n end` as an unsigned address; undefined for anything else. */
function constant(bytes: Uint8Array, from: number, to: number): number | undefined {
  const opcode = bytes[from]
  if ((opcode !== 0x41 && opcode !== 0x42) || bytes[to - 1] !== 0x0b) return undefined
  let value = 0n
  let shift = 0n
  let at = from + 1
  for (;;) {
    const byte = bytes[at++]!
    value |= BigInt(byte & 0x7f) << shift
    shift += 7n
    if (byte >= 0x80) continue
    if ((byte & 0x40) !== 0) value |= -1n << shift
    break
  }
  if (at !== to - 1) return undefined
  return Number(BigInt.asUintN(opcode === 0x41 ? 32 : 64, value))
}

interface Entries {
  readonly entries: number
  readonly to: number
  readonly count: number
}

function writeGlobals(out: Writer, bytes: Uint8Array, { globals }: Added, section: Entries | undefined): void {
  out.byte(GLOBAL)
  out.sized(() => {
    out.u32((section?.count ?? 0) + globals.length)
    if (section !== undefined) out.copy(bytes, section.entries, section.to)
    for (const { type, from, to } of globals) {
      out.bytes(type, 0)
      out.copy(bytes, from, to)
    }
  })
}

function writeExports(out: Writer, bytes: Uint8Array, { exports }: Added, section: Entries | undefined): void {
  out.byte(EXPORT)
  out.sized(() => {
    out.u32((section?.count ?? 0) + exports.length)
    if (section !== undefined) out.copy(bytes, section.entries, section.to)
    for (const { name, kind, index } of exports) {
      out.name(name)
      out.byte(kind)
      out.u32(index)
    }
  })
}
