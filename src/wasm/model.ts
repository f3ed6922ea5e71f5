import { invalid, type Reader } from './reader.ts'
import type { DefinedType, ValueType } from './types.ts'

export interface Limits {
  readonly min: number
  readonly max: number | undefined
  readonly wide: boolean
  readonly shared: boolean
}
export interface ImportName {
  readonly module: string
  readonly name: string
}
export interface MemoryInfo extends Limits {
  readonly from?: ImportName
}
export interface TableInfo extends Limits {
  readonly type: ValueType
  readonly from?: ImportName
  /** The initial value's expression, as a range of the input. */
  readonly init?: readonly [from: number, to: number]
}
export interface GlobalInfo {
  readonly type: ValueType
  readonly mutable: boolean
  readonly from?: ImportName
}
/** As in the binary format: what an import or export is. */
export const KINDS = ['func', 'table', 'memory', 'global', 'tag'] as const
export type Kind = (typeof KINDS)[number]
export interface ImportInfo extends ImportName {
  readonly kind: Kind
}
export interface ExportInfo {
  readonly name: string
  readonly kind: Kind
  readonly index: number
}
export type SegmentMode = 'active' | 'passive' | 'declared'
export interface ElementInfo {
  readonly mode: SegmentMode
  readonly type: ValueType
}
export interface Section {
  readonly id: number
  /** Set for custom sections. */
  readonly name?: string
  /** Contents; for custom sections the name is included. */
  readonly from: number
  readonly to: number
  /** Where the entries of a vector section begin, behind its count. */
  entries: number
  count: number
}
/** Where the input has an index of a space that may move. Positions ascend. */
export interface Patch {
  readonly from: number
  readonly to: number
  readonly space: 'func' | 'global'
  readonly index: number
}
export interface ModuleInfo {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly sections: Section[]
  types: DefinedType[]
  readonly imports: ImportInfo[]
  /** Type index of every function, imported ones first. */
  readonly functions: number[]
  importedFunctions: number
  readonly tables: TableInfo[]
  readonly memories: MemoryInfo[]
  readonly globals: GlobalInfo[]
  importedGlobals: number
  readonly tags: number[]
  readonly exports: ExportInfo[]
  start: number | undefined
  readonly elements: ElementInfo[]
  readonly data: SegmentMode[]
  dataCount: number | undefined
  /** Byte ranges of the function bodies, [from, to) flat. */
  readonly bodies: number[]
  readonly patches: Patch[]
}

/** Reads an index of a space that may move and remembers where it stands. */
export function readPatched(info: ModuleInfo, reader: Reader, space: 'func' | 'global'): number {
  const from = reader.pos
  const index = reader.u32()
  const known = space === 'func' ? info.functions.length : info.globals.length
  if (index >= known) invalid(`unknown ${space} ${index}`, from)
  info.patches.push({ from, to: reader.pos, space, index })
  return index
}
