import { AmpouleError } from '../errors.ts'
import type { Additions } from './assemble.ts'
import type { ModuleInfo, Section } from './model.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const FUNCTIONS = 1
const LOCALS = 2
const LABELS = 3
const GLOBALS = 7

/** Whether the module has names for labels: only then is it worth knowing where they are. */
export function namesLabels(info: ModuleInfo): boolean {
  const section = info.sections.find(({ name }) => name === 'name')
  if (section === undefined) return false
  const reader = new Reader(info.bytes, section.from, section.to)
  try {
    reader.name()
    while (reader.pos < section.to) {
      if (reader.byte() === LABELS) return true
      reader.skip(reader.u32())
    }
  } catch (error) {
    if (!(error instanceof AmpouleError)) throw error
  }
  return false
}

/**
 * The `name` section with indices as they are in the output: functions, locals and labels by function, globals; the other spaces do
 * not move. A malformed section means nothing to an engine and is left out.
 */
export function rewriteNames(
  info: ModuleInfo,
  section: Section,
  additions: Additions,
  labelIndex: (defined: number, label: number) => number,
): Uint8Array | undefined {
  const reader = new Reader(info.bytes, section.from, section.to)
  const out = new Writer(section.to - section.from + 1024)
  try {
    reader.name()
    out.name('name')
    while (reader.pos < section.to) {
      const id = reader.byte()
      const length = reader.u32()
      const start = reader.pos
      reader.skip(length)
      out.byte(id)
      const inner = new Reader(info.bytes, start, start + length)
      out.sized(() => {
        if (id === FUNCTIONS) writeFunctionNames(info, inner, additions, out)
        else if (id === LOCALS)
          shiftKeys(inner, out, info.importedFunctions, additions.functionImports.length, () => skipNameMap(inner))
        else if (id === LABELS) writeLabelNames(info, inner, additions, out, labelIndex)
        else if (id === GLOBALS)
          shiftKeys(inner, out, info.importedGlobals, additions.globalImports.length, () => skipName(inner))
        else out.copy(info.bytes, start, start + length)
      })
    }
    return out.view()
  } catch (error) {
    if (error instanceof AmpouleError) return undefined
    throw error
  }
}

function skipName(reader: Reader): void {
  reader.skip(reader.u32())
}

function skipNameMap(reader: Reader): void {
  const count = reader.count(2)
  for (let i = 0; i < count; i++) {
    reader.u32()
    skipName(reader)
  }
}

function shiftKeys(reader: Reader, out: Writer, imported: number, shift: number, skipValue: () => void): void {
  const count = reader.count(2)
  out.u32(count)
  for (let i = 0; i < count; i++) {
    const key = reader.u32()
    out.u32(key < imported ? key : key + shift)
    const from = reader.pos
    skipValue()
    out.copy(reader.bytes, from, reader.pos)
  }
}

/** Function names, with ours for what was injected: stack traces should say what they show. */
function writeFunctionNames(info: ModuleInfo, reader: Reader, additions: Additions, out: Writer): void {
  const count = reader.count(2)
  const { functionImports, functions } = additions
  out.u32(count + functionImports.length + functions.length)
  let ours = false
  const writeOurs = (): void => {
    ours = true
    for (const [nth, { module, name }] of functionImports.entries()) {
      out.u32(info.importedFunctions + nth)
      out.name(`${module}.${name}`)
    }
  }
  for (let i = 0; i < count; i++) {
    const key = reader.u32()
    if (!ours && key >= info.importedFunctions) writeOurs()
    out.u32(ours ? key + functionImports.length : key)
    const from = reader.pos
    skipName(reader)
    out.copy(reader.bytes, from, reader.pos)
  }
  if (!ours) writeOurs()
  for (const [nth, { name }] of functions.entries()) {
    out.u32(info.functions.length + functionImports.length + nth)
    out.name(name)
  }
}

function writeLabelNames(
  info: ModuleInfo,
  reader: Reader,
  additions: Additions,
  out: Writer,
  labelIndex: (defined: number, label: number) => number,
): void {
  const count = reader.count(2)
  out.u32(count)
  for (let i = 0; i < count; i++) {
    const key = reader.u32()
    const imported = key < info.importedFunctions
    out.u32(imported ? key : key + additions.functionImports.length)
    const labels = reader.count(2)
    out.u32(labels)
    for (let j = 0; j < labels; j++) {
      const label = reader.u32()
      out.u32(imported ? label : labelIndex(key - info.importedFunctions, label))
      const from = reader.pos
      skipName(reader)
      out.copy(reader.bytes, from, reader.pos)
    }
  }
}
