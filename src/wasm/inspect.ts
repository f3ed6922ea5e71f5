import { type ExportInfo, type ImportInfo, type ModuleInfo, type Section } from './model.ts'
import { opcodeTables } from './opcodes.ts'
import { parseModule } from './parse.ts'
import { Scanner } from './scan.ts'
import { unrestorable } from './state.ts'
import { unlimited } from './heap.ts'
import { typeName } from './types.ts'

export interface ModuleInspection {
  readonly bytes: number
  readonly imports: readonly ImportInfo[]
  readonly exports: readonly ExportInfo[]
  readonly memories: readonly {
    readonly index: number
    readonly imported: boolean
    readonly minPages: number
    readonly maxPages: number | undefined
    readonly memory64: boolean
    readonly shared: boolean
  }[]
  readonly tables: readonly {
    readonly index: number
    readonly imported: boolean
    readonly type: string
    readonly min: number
    readonly max: number | undefined
  }[]
  readonly globals: { readonly imported: number; readonly defined: number; readonly mutable: number }
  readonly functions: { readonly imported: number; readonly defined: number; readonly largestBytes: number }
  readonly segments: { readonly data: number; readonly elements: number }
  /** Proposals beyond the first version of WebAssembly whose instructions or sections are used, sorted. */
  readonly features: readonly string[]
  readonly customSections: readonly { readonly name: string; readonly bytes: number }[]
  readonly sections: readonly { readonly name: string; readonly bytes: number }[]
  readonly hasStart: boolean
  /** Whether the module has been through `instrumentModule`. */
  readonly instrumented: boolean
  /** Why instances could not be restored in full; empty when they could. */
  readonly unrestorable: readonly string[]
  /** Why no memory limit could hold for instances; empty when it could. */
  readonly unlimited: readonly string[]
}

const SECTION_NAMES: Readonly<Record<number, string>> = {
  1: 'type',
  2: 'import',
  3: 'function',
  4: 'table',
  5: 'memory',
  6: 'global',
  7: 'export',
  8: 'start',
  9: 'element',
  10: 'code',
  11: 'data',
  12: 'data count',
  13: 'tag',
}

const size = ({ from, to }: Section): number => to - from

/** What a core module is made of. Throws `AmpouleError('InvalidModule')` when it is malformed or uses what is not supported. */
export function inspectModule(bytes: Uint8Array): ModuleInspection {
  const info = parseModule(bytes)
  const scanner = new Scanner(info, {
    bulk: () => undefined,
    memorySize: () => undefined,
    memoryGrow: () => undefined,
    tableGrow: () => undefined,
    tableWrite: () => false,
    drop: () => 'keep',
  })
  let largestBytes = 0
  for (let i = 0; i < info.bodies.length / 2; i++) {
    scanner.scan(i)
    largestBytes = Math.max(largestBytes, info.bodies[i * 2 + 1]! - info.bodies[i * 2]!)
  }
  return {
    bytes: bytes.length,
    imports: info.imports,
    exports: info.exports,
    memories: info.memories.map(({ from, min, max, wide, shared }, index) => ({
      index,
      imported: from !== undefined,
      minPages: min,
      maxPages: max,
      memory64: wide,
      shared,
    })),
    tables: info.tables.map(({ from, type, min, max }, index) => ({
      index,
      imported: from !== undefined,
      type: typeName(type),
      min,
      max,
    })),
    globals: {
      imported: info.importedGlobals,
      defined: info.globals.length - info.importedGlobals,
      mutable: info.globals.filter(({ mutable }) => mutable).length,
    },
    functions: { imported: info.importedFunctions, defined: info.functions.length - info.importedFunctions, largestBytes },
    segments: { data: info.data.length, elements: info.elements.length },
    features: featuresOf(info, scanner.seen),
    customSections: info.sections.flatMap((section) =>
      section.name === undefined ? [] : [{ name: section.name, bytes: size(section) }],
    ),
    sections: info.sections.flatMap((section) => {
      const name = SECTION_NAMES[section.id]
      return name === undefined ? [] : [{ name, bytes: size(section) }]
    }),
    hasStart: info.start !== undefined,
    instrumented:
      info.imports.some(({ module }) => module === 'ampoule') || info.exports.some(({ name }) => name.startsWith('ampoule:')),
    unrestorable: unrestorable(info),
    unlimited: unlimited(info, scanner.seen),
  }
}

function featuresOf(info: ModuleInfo, seen: Uint8Array): string[] {
  const { features } = opcodeTables()
  const used = new Set<string>()
  for (const [slot, feature] of features.entries()) if (seen[slot] === 1 && feature !== undefined) used.add(feature)
  used.delete('mvp')
  if (info.memories.length > 1) used.add('multi-memory')
  if (info.memories.some(({ wide }) => wide) || info.tables.some(({ wide }) => wide)) used.add('memory64')
  if (info.memories.some(({ shared }) => shared)) used.add('threads')
  if (info.tables.length > 1) used.add('reference-types')
  if (info.tags.length > 0) used.add('exceptions')
  if (info.dataCount !== undefined) used.add('bulk-memory')
  if (info.types.some(({ kind }) => kind !== 'func')) used.add('gc')
  if (info.types.some((type) => type.kind === 'func' && type.results.length > 1)) used.add('multi-value')
  const shares = info.globals.some(({ mutable, from }) => mutable && from !== undefined)
  if (shares || info.exports.some(({ kind, index }) => kind === 'global' && info.globals[index]?.mutable === true))
    used.add('mutable-globals')
  return [...used].sort()
}
