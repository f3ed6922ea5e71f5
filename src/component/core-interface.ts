import { AmpouleError } from '../errors.ts'
import { Reader, quote } from './reader.ts'

type ExternKind = 'func' | 'table' | 'memory' | 'global' | 'tag'

interface CoreImport {
  readonly module: string
  readonly name: string
  readonly kind: ExternKind
  /** Of functions, such as `ii->i`; reference and vector types are `?`. */
  readonly signature: string | undefined
}

interface CoreExport {
  readonly kind: ExternKind
  readonly signature: string | undefined
  /** Of memories that are addressed with 64 bits. */
  readonly memory64: boolean
}

/** What a core module asks for and offers. */
export interface CoreInterface {
  readonly imports: readonly CoreImport[]
  readonly exports: ReadonlyMap<string, CoreExport>
  /** Whether the export is a function of the module's own whose whole body is `unreachable`: calling it can only trap. */
  alwaysTraps(name: string): boolean
}

/** Types, functions, imports and exports of one module; V8's own limit is a million of each. */
const MAX_ELEMENTS = 4_000_000

const KINDS: readonly ExternKind[] = ['func', 'table', 'memory', 'global', 'tag']
const LETTERS: Readonly<Record<number, string>> = { 0x7f: 'i', 0x7e: 'I', 0x7d: 'f', 0x7c: 'F' }

interface State {
  /** By type index; undefined for types that are not functions. */
  readonly types: (string | undefined)[]
  /** Type index of each function, imported ones first. */
  readonly functions: number[]
  readonly memories: { readonly memory64: boolean }[]
  readonly imports: CoreImport[]
  readonly exports: { readonly name: string; readonly kind: ExternKind; readonly index: number }[]
  importedFunctions: number
  code: Reader | undefined
}

/**
 * Reads only imports, exports and function types of a core module. Whether the rest is valid is for `WebAssembly.validate` to say.
 * Throws `InvalidModule` with the offset inside the module.
 */
export function readCoreInterface(bytes: Uint8Array<ArrayBuffer>): CoreInterface {
  const reader = new Reader(bytes, 'InvalidModule', { left: MAX_ELEMENTS }, Math.min(8, bytes.length))
  const state: State = { types: [], functions: [], memories: [], imports: [], exports: [], importedFunctions: 0, code: undefined }
  while (reader.left > 0) {
    const id = reader.byte()
    const section = reader.part(reader.u32())
    if (id === 1) readTypes(section, state)
    else if (id === 2) readImports(section, state)
    else if (id === 3) section.vector(() => state.functions.push(section.u32()))
    else if (id === 5) section.vector(() => state.memories.push(memoryType(section)))
    else if (id === 7) readExports(section, state)
    else if (id === 10) state.code = section
  }
  const exports = new Map<string, CoreExport>()
  for (const { name, kind, index } of state.exports) {
    if (name.startsWith('ampoule:')) throw reserved(`exports ${quote(name)}`)
    const signature = kind === 'func' ? functionSignature(state, index) : undefined
    exports.set(name, { kind, signature, memory64: kind === 'memory' && state.memories[index]?.memory64 === true })
  }
  let trapping: ReadonlySet<string> | undefined
  return { imports: state.imports, exports, alwaysTraps: (name) => (trapping ??= trappingExports(state)).has(name) }
}

function reserved(what: string): AmpouleError {
  return new AmpouleError('InvalidModule', `a core module ${what}: names that begin with "ampoule" belong to the host`)
}

function functionSignature(state: State, index: number): string | undefined {
  const type = state.functions[index]
  return type === undefined ? undefined : state.types[type]
}

function readTypes(section: Reader, state: State): void {
  const groups = section.count()
  for (let i = 0; i < groups; i++) {
    const form = section.byte()
    if (form !== 0x4e) {
      state.types.push(subType(section, form))
      continue
    }
    const members = section.count()
    for (let k = 0; k < members; k++) state.types.push(subType(section, section.byte()))
  }
}

function subType(section: Reader, form: number): string | undefined {
  if (form === 0x50 || form === 0x4f) {
    section.vector(() => section.u32())
    return compositeType(section, section.byte())
  }
  return compositeType(section, form)
}

function compositeType(section: Reader, form: number): string | undefined {
  switch (form) {
    case 0x60: {
      const params = section.vector(() => valueType(section)).join('')
      return `${params}->${section.vector(() => valueType(section)).join('')}`
    }
    case 0x5f:
      section.vector(() => fieldType(section))
      return undefined
    case 0x5e:
      fieldType(section)
      return undefined
    default:
      return section.fail(`unsupported type form 0x${form.toString(16)}`)
  }
}

function fieldType(section: Reader): void {
  const byte = section.bytes[section.at]
  if (byte === 0x78 || byte === 0x77) section.at++
  else valueType(section)
  section.byte()
}

function valueType(section: Reader): string {
  const byte = section.byte()
  if (byte === 0x63 || byte === 0x64) section.s33()
  return LETTERS[byte] ?? '?'
}

function limits(section: Reader): { readonly memory64: boolean } {
  const flags = section.byte()
  // 64-bit limits are longer LEB128 numbers; here they are only stepped over.
  const skip = (): void => {
    while (section.byte() >= 0x80);
  }
  skip()
  if (flags & 0x01) skip()
  if (flags & 0x08) skip()
  return { memory64: (flags & 0x04) !== 0 }
}

const memoryType = limits

function readImports(section: Reader, state: State): void {
  const count = section.count(4)
  for (let i = 0; i < count; i++) {
    const module = section.name()
    const name = section.name()
    if (module === 'ampoule' || name.startsWith('ampoule:')) throw reserved(`imports ${quote(module)} ${quote(name)}`)
    const form = section.byte()
    const kind = KINDS[form] ?? section.fail(`unknown import kind ${form}`)
    let signature: string | undefined
    if (kind === 'func') {
      const type = section.u32()
      state.functions.push(type)
      state.importedFunctions++
      signature = state.types[type]
    } else if (kind === 'table') {
      valueType(section)
      limits(section)
    } else if (kind === 'memory') state.memories.push(memoryType(section))
    else if (kind === 'global') {
      valueType(section)
      section.byte()
    } else {
      section.byte()
      section.u32()
    }
    state.imports.push({ module, name, kind, signature })
  }
}

function readExports(section: Reader, state: State): void {
  const count = section.count(3)
  for (let i = 0; i < count; i++) {
    const name = section.name()
    const form = section.byte()
    const kind = KINDS[form] ?? section.fail(`unknown export kind ${form}`)
    state.exports.push({ name, kind, index: section.u32() })
  }
}

/** Looks at the sizes of the bodies, and into those that are short enough. */
function trappingExports({ exports, importedFunctions, code }: State): ReadonlySet<string> {
  const result = new Set<string>()
  if (code === undefined) return result
  const functions = new Set<number>()
  const count = code.count()
  for (let i = 0; i < count; i++) {
    const body = code.part(code.u32())
    if (body.left === 3 && body.byte() === 0x00 && body.byte() === 0x00 && body.byte() === 0x0b)
      functions.add(importedFunctions + i)
  }
  for (const { name, kind, index } of exports) if (kind === 'func' && functions.has(index)) result.add(name)
  return result
}
