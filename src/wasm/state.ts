import type { Additions, Assembler, Ref } from './assemble.ts'
import type { Drops } from './drops.ts'
import type { Memories } from './memories.ts'
import type { ModuleInfo } from './model.ts'
import type { Tables } from './tables.ts'
import { F32, F64, heapOf, I32, I64, isNullable, isReference, typeName, V128, type ValueType } from './types.ts'

/** Abstract heap types whose values hold nothing that can change: functions, i31 and the bottoms. */
const STATELESS_HEAPS: ReadonlySet<number> = new Set([-16, -13, -14, -15, -12, -20])

// Bit 0, globals differ, is what the comparisons leave.
const TABLE_WRITTEN = 2
const TABLE_GREW = 4

interface Saved {
  readonly live: Ref | number
  readonly shadow: Ref
  readonly type: ValueType
}

/** Adds `ampoule:save`, `ampoule:restore` and `ampoule:changed` (see contract.ts). Call when every other pass knows its globals. */
export function addState(
  info: ModuleInfo,
  additions: Additions,
  passes: { readonly memories: Memories; readonly tables: Tables; readonly drops: Drops | undefined },
): { readonly save: Ref; readonly restore: Ref; readonly changed: Ref } {
  const saved: Saved[] = []
  const keep = (live: Ref | number, type: ValueType): void => {
    saved.push({ live, shadow: additions.global(type), type })
  }
  for (const [index, { mutable, from, type }] of info.globals.entries()) if (mutable && from === undefined) keep(index, type)
  for (const [index, { from, wide, shared }] of info.memories.entries()) {
    if (from !== undefined || shared) continue
    const pages = passes.memories.pages(index)
    if (pages !== undefined) keep(pages, wide ? I64 : I32)
  }
  for (const flag of passes.drops?.flags().values() ?? []) keep(flag, I32)

  const shift = (): number => additions.globalImports.length
  const get = (a: Assembler, live: Ref | number): Assembler =>
    typeof live === 'number' ? a.with([0x23], live + shift()) : a.globalGet(live)
  const set = (a: Assembler, live: Ref | number): Assembler =>
    typeof live === 'number' ? a.with([0x24], live + shift()) : a.globalSet(live)
  const tables = [...passes.tables.states]

  const save = additions.func('ampoule.save', [], [], [], (a) => {
    for (const { live, shadow } of saved) get(a, live).globalSet(shadow)
    for (const [, { dirty, grew }] of tables) a.i32(0).globalSet(dirty).i32(0).globalSet(grew)
  })
  const restore = additions.func('ampoule.restore', [], [], [], (a) => {
    for (const { live, shadow, type } of saved) {
      a.globalGet(shadow)
      if (isReference(type) && !isNullable(type)) a.op(0xd4)
      set(a, live)
    }
    for (const [index, { dirty, shadow }] of tables) {
      const { wide } = info.tables[index]!
      a.globalGet(dirty).when(() => {
        a.index(wide, 0).index(wide, 0).with([0xfc, 16], shadow).with([0xfc, 14], index, shadow)
        a.i32(0).globalSet(dirty)
      })
    }
  })
  const changed = additions.func('ampoule.changed', [], [I32], [], (a) => {
    a.i32(0)
    for (const { live, shadow, type } of saved) compare(a, () => get(a, live), shadow, type)
    if (saved.length > 0) a.op(0x45, 0x45)
    for (const [, { dirty, grew }] of tables) {
      a.globalGet(dirty).i32(TABLE_WRITTEN).op(0x6c, 0x72)
      a.globalGet(grew).i32(TABLE_GREW).op(0x6c, 0x72)
    }
  })
  return { save, restore, changed }
}

/** Ors 1 onto the i32 on the stack when the two differ; bits are compared, so that a NaN equals itself. */
function compare(a: Assembler, live: () => Assembler, shadow: Ref, type: ValueType): void {
  switch (type) {
    case I32:
      live().globalGet(shadow).op(0x47)
      break
    case I64:
      live().globalGet(shadow).op(0x52)
      break
    case F32:
      live().op(0xbc).globalGet(shadow).op(0xbc, 0x47)
      break
    case F64:
      live().op(0xbd).globalGet(shadow).op(0xbd, 0x52)
      break
    case V128:
      live().globalGet(shadow).op(0xfd, 0x51, 0xfd, 0x53)
      break
    default:
      live().op(0xd1).globalGet(shadow).op(0xd1, 0x47)
  }
  a.op(0x72)
}

/** Why `restore` cannot bring everything back. */
export function unrestorable(info: ModuleInfo): string[] {
  const reasons: string[] = []
  const holdsState = (type: ValueType): boolean => {
    if (!isReference(type)) return false
    const heap = heapOf(type)
    return heap >= 0 ? info.types[heap]?.kind !== 'func' : !STATELESS_HEAPS.has(heap)
  }
  for (const [index, { shared }] of info.memories.entries()) {
    if (shared) reasons.push(`memory ${index} is shared: other threads may write it at any time`)
  }
  for (const [index, { type }] of info.globals.entries()) {
    if (holdsState(type)) reasons.push(`global ${index} holds ${typeName(type)}: what it refers to is not put back`)
  }
  for (const [index, { type }] of info.tables.entries()) {
    if (holdsState(type)) reasons.push(`table ${index} holds ${typeName(type)}: what its entries refer to is not put back`)
  }
  for (const [index, { type }] of info.elements.entries()) {
    if (holdsState(type))
      reasons.push(`element segment ${index} holds ${typeName(type)}: what its entries refer to is not put back`)
  }
  return reasons
}
