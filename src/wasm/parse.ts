import { readConstantExpression } from './constant.ts'
import { type GlobalInfo, KINDS, type Limits, type ModuleInfo, readPatched, type Section } from './model.ts'
import { invalid, ownBytes, Reader } from './reader.ts'
import { FUNCREF, readTypes, readValueType, refType, FUNC_HEAP, type ValueType } from './types.ts'

/** The only order in which known sections may come (custom ones may come anywhere). */
const SECTION_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
const MAGIC = [0x00, 0x61, 0x73, 0x6d]

/** Reads everything of a core module except the code itself. Throws `AmpouleError('InvalidModule')`. */
export function parseModule(input: Uint8Array): ModuleInfo {
  const bytes = ownBytes(input)
  const reader = new Reader(bytes)
  const info: ModuleInfo = {
    bytes,
    sections: [],
    types: [],
    imports: [],
    functions: [],
    importedFunctions: 0,
    tables: [],
    memories: [],
    globals: [],
    importedGlobals: 0,
    tags: [],
    exports: [],
    start: undefined,
    elements: [],
    data: [],
    dataCount: undefined,
    bodies: [],
    patches: [],
  }
  for (let i = 0; i < 4; i++) if (reader.byte() !== MAGIC[i]) invalid('not a WebAssembly binary', i)
  const [version, layer] = [reader.byte() | (reader.byte() << 8), reader.byte() | (reader.byte() << 8)]
  if (layer === 1) invalid('this is a component, not a core module: serve it as it is', 6)
  if (version !== 1 || layer !== 0) invalid('unsupported version', 4)

  let reached = -1
  while (reader.pos < bytes.length) {
    const start = reader.pos
    const id = reader.byte()
    const length = reader.u32()
    const from = reader.pos
    reader.skip(length)
    const section: Section = { id, from, to: reader.pos, entries: from, count: 0 }
    if (id === 0) {
      info.sections.push({ ...section, name: new Reader(bytes, from, section.to).name() })
      continue
    }
    const place = SECTION_ORDER.indexOf(id)
    if (place < 0) invalid(`unknown section ${id}`, start)
    if (place <= reached) invalid(`section ${id} is out of order or doubled`, start)
    reached = place
    info.sections.push(section)
    readSection(info, section)
  }
  const expected = info.functions.length - info.importedFunctions
  if (info.bodies.length / 2 !== expected)
    invalid(`${expected} functions are declared but ${info.bodies.length / 2} have a body`, bytes.length)
  if (info.dataCount !== undefined && info.dataCount !== info.data.length)
    invalid('data count does not match the data section', bytes.length)
  return info
}

function readSection(info: ModuleInfo, section: Section): void {
  const reader = new Reader(info.bytes, section.from, section.to)
  switch (section.id) {
    case 1:
      section.count = new Reader(info.bytes, section.from, section.to).u32()
      reader.count()
      section.entries = reader.pos
      reader.pos = section.from
      info.types = readTypes(reader)
      break
    case 8:
      info.start = readPatched(info, reader, 'func')
      break
    case 12:
      info.dataCount = reader.u32()
      break
    default: {
      section.count = reader.count()
      section.entries = reader.pos
      const read = ENTRY_READERS[section.id]
      if (read === undefined) invalid(`unknown section ${section.id}`, section.from)
      for (let i = 0; i < section.count; i++) read(info, reader)
    }
  }
  if (reader.largestType >= info.types.length) invalid(`unknown type ${reader.largestType}`, section.from)
  if (reader.pos !== section.to) invalid(`section ${section.id} is longer than its contents`, reader.pos)
}

const ENTRY_READERS: Readonly<Record<number, (info: ModuleInfo, reader: Reader) => void>> = {
  2: readImport,
  3: (info, reader) => info.functions.push(readFuncTypeIndex(info, reader)),
  4: readTable,
  5: (info, reader) => info.memories.push(readLimits(reader, true)),
  6: readGlobal,
  7: readExport,
  9: readElement,
  10: readBody,
  11: readData,
  13: (info, reader) => info.tags.push(readTag(info, reader)),
}

function readFuncTypeIndex(info: ModuleInfo, reader: Reader): number {
  const at = reader.pos
  const index = reader.u32()
  if (info.types[index]?.kind !== 'func') invalid(`type ${index} is not a function type`, at)
  return index
}

function readTag(info: ModuleInfo, reader: Reader): number {
  if (reader.byte() !== 0) invalid('malformed tag attribute', reader.pos - 1)
  return readFuncTypeIndex(info, reader)
}

function readLimits(reader: Reader, memory: boolean): Limits {
  const at = reader.pos
  const flags = reader.byte()
  if (flags > 7 || (!memory && (flags & 2) !== 0)) invalid(`unsupported limits flags 0x${flags.toString(16)}`, at)
  const wide = (flags & 4) !== 0
  const bound = (): number => (wide ? reader.u64() : reader.u32())
  const min = bound()
  const max = (flags & 1) === 0 ? undefined : bound()
  if (max !== undefined && max < min) invalid('maximum is below the minimum', at)
  return { min, max, wide, shared: (flags & 2) !== 0 }
}

function readGlobalType(reader: Reader): GlobalInfo {
  const type = readValueType(reader)
  const mutable = reader.byte()
  if (mutable > 1) invalid('malformed mutability', reader.pos - 1)
  return { type, mutable: mutable === 1 }
}

function readImport(info: ModuleInfo, reader: Reader): void {
  const from = { module: reader.name(), name: reader.name() }
  const at = reader.pos
  const code = reader.byte()
  const kind = KINDS[code]
  if (kind === undefined) return invalid(`unsupported import kind 0x${code.toString(16)}`, at)
  info.imports.push({ ...from, kind })
  switch (kind) {
    case 'func':
      info.functions.push(readFuncTypeIndex(info, reader))
      info.importedFunctions++
      break
    case 'table':
      info.tables.push({ type: readReferenceType(reader), ...readLimits(reader, false), from })
      break
    case 'memory':
      info.memories.push({ ...readLimits(reader, true), from })
      break
    case 'global':
      info.globals.push({ ...readGlobalType(reader), from })
      info.importedGlobals++
      break
    case 'tag':
      info.tags.push(readTag(info, reader))
      break
    default:
      kind satisfies never
  }
}

function readReferenceType(reader: Reader): ValueType {
  const at = reader.pos
  const type = readValueType(reader)
  if (type < 0x1000) invalid('expected a reference type', at)
  return type
}

function readTable(info: ModuleInfo, reader: Reader): void {
  if (reader.bytes[reader.pos] !== 0x40) {
    info.tables.push({ type: readReferenceType(reader), ...readLimits(reader, false) })
    return
  }
  reader.pos++
  if (reader.byte() !== 0) invalid('malformed table', reader.pos - 1)
  const type = readReferenceType(reader)
  const limits = readLimits(reader, false)
  const from = reader.pos
  readConstantExpression(info, reader)
  info.tables.push({ type, ...limits, init: [from, reader.pos] })
}

function readGlobal(info: ModuleInfo, reader: Reader): void {
  const type = readGlobalType(reader)
  readConstantExpression(info, reader)
  info.globals.push(type)
}

function readExport(info: ModuleInfo, reader: Reader): void {
  const name = reader.name()
  const at = reader.pos
  const code = reader.byte()
  const kind = KINDS[code]
  if (kind === undefined) return invalid(`unsupported export kind 0x${code.toString(16)}`, at)
  const index = kind === 'func' || kind === 'global' ? readPatched(info, reader, kind) : reader.u32()
  const known = { func: info.functions, global: info.globals, table: info.tables, memory: info.memories, tag: info.tags }[kind]
    .length
  if (index >= known) invalid(`unknown ${kind} ${index}`, at)
  info.exports.push({ name, kind, index })
}

function readElement(info: ModuleInfo, reader: Reader): void {
  const at = reader.pos
  const flags = reader.u32()
  if (flags > 7) invalid('malformed element segment', at)
  const active = (flags & 1) === 0
  if (active) {
    const table = (flags & 2) === 0 ? 0 : reader.u32()
    if (table >= info.tables.length) invalid(`unknown table ${table}`, at)
    readConstantExpression(info, reader)
  }
  const expressions = (flags & 4) !== 0
  let type = expressions ? FUNCREF : refType(FUNC_HEAP, false)
  if ((flags & 3) !== 0) {
    if (expressions) type = readReferenceType(reader)
    else if (reader.byte() !== 0) invalid('unsupported element kind', reader.pos - 1)
  }
  const count = reader.count()
  for (let i = 0; i < count; i++) {
    if (expressions) readConstantExpression(info, reader)
    else readPatched(info, reader, 'func')
  }
  info.elements.push({ mode: active ? 'active' : (flags & 2) === 0 ? 'passive' : 'declared', type })
}

function readData(info: ModuleInfo, reader: Reader): void {
  const at = reader.pos
  const flags = reader.u32()
  if (flags > 2) invalid('malformed data segment', at)
  if (flags !== 1) {
    const memory = flags === 2 ? reader.u32() : 0
    if (memory >= info.memories.length) invalid(`unknown memory ${memory}`, at)
    readConstantExpression(info, reader)
  }
  reader.skip(reader.u32())
  info.data.push(flags === 1 ? 'passive' : 'active')
}

function readBody(info: ModuleInfo, reader: Reader): void {
  const length = reader.u32()
  const from = reader.pos
  reader.skip(length)
  info.bodies.push(from, reader.pos)
}
