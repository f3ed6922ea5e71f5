import { AmpouleError } from '../errors.ts'
import type { Additions } from './assemble.ts'
import type { ModuleInfo, Section } from './model.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const FUNCTIONS = 1
const LOCALS = 2
const LABELS = 3
const GLOBALS = 7

/**
 * The `name` section with indices as they are in the output: functions, locals and labels by function, globals. Injected labels
 * would move label indices, so that label names go. A malformed section means nothing to an engine and is left out.
 */
export function rewriteNames(info: ModuleInfo, section: Section, additions: Additions): Uint8Array | undefined {
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
      if (id === LABELS) continue
      out.byte(id)
      const inner = new Reader(info.bytes, start, start + length)
      out.sized(() => {
        if (id === FUNCTIONS) writeFunctionNames(info, inner, additions, out)
        else if (id === LOCALS)
          shiftKeys(inner, out, info.importedFunctions, additions.functionImports.length, () => skipNameMap(inner))
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
