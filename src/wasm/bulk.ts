import type { Additions, Assembler, Ref } from './assemble.ts'
import type { Drops } from './drops.ts'
import type { Fuel } from './fuel.ts'
import type { Memories } from './memories.ts'
import type { ModuleInfo } from './model.ts'
import { describeOpcode, PREFIX_GC, PREFIX_MISC } from './opcodes.ts'
import { invalid } from './reader.ts'
import { FUEL_PER_ENTRY, type Tables } from './tables.ts'
import { I32, I64, refType, unpacked, type ValueType } from './types.ts'

export const MEMORY_INIT = PREFIX_MISC + 8
export const MEMORY_COPY = PREFIX_MISC + 10
export const MEMORY_FILL = PREFIX_MISC + 11
export const TABLE_INIT = PREFIX_MISC + 12
export const TABLE_COPY = PREFIX_MISC + 14
export const TABLE_FILL = PREFIX_MISC + 17
export const ARRAY_NEW = PREFIX_GC + 6
export const ARRAY_NEW_DEFAULT = PREFIX_GC + 7
export const ARRAY_NEW_DATA = PREFIX_GC + 9
export const ARRAY_NEW_ELEM = PREFIX_GC + 10
export const ARRAY_FILL = PREFIX_GC + 16
export const ARRAY_COPY = PREFIX_GC + 17
export const ARRAY_INIT_DATA = PREFIX_GC + 18
export const ARRAY_INIT_ELEM = PREFIX_GC + 19

const BYTES_PER_UNIT_LOG2 = 2

export interface Passes {
  readonly fuel: Fuel | undefined
  readonly memories: Memories
  readonly tables: Tables
  readonly drops: Drops | undefined
}

const size = (wide: boolean): ValueType => (wide ? I64 : I32)

interface Shape {
  readonly params: readonly ValueType[]
  readonly results?: readonly ValueType[]
  /** The parameter that is the length, and whether it is an i64. */
  readonly length: number
  readonly wideLength?: boolean
  readonly unit: 'bytes' | 'entries' | 'elements'
  /** What must hold or happen before. */
  readonly before?: (a: Assembler) => void
}

/** One injected function per bulk operation and its immediates: checks, charges by length, then does it. */
export class Bulk {
  readonly #info: ModuleInfo
  readonly #additions: Additions
  readonly #passes: Passes
  readonly #made = new Map<string, Ref>()

  constructor(info: ModuleInfo, additions: Additions, passes: Passes) {
    this.#info = info
    this.#additions = additions
    this.#passes = passes
  }

  /** The function that stands for the instruction, with the instruction's operands and results. */
  helper(slot: number, first: number, second: number, at: number): Ref {
    const key = `${slot}:${first}:${second}`
    let ref = this.#made.get(key)
    if (ref === undefined) {
      ref = this.#define(slot, first, second, this.#shape(slot, first, second, at))
      this.#made.set(key, ref)
    }
    return ref
  }

  #define(slot: number, first: number, second: number, shape: Shape): Ref {
    const name = `ampoule.${describeOpcode(slot).replace(/.*\((.*)\)/, '$1')}`
    return this.#additions.func(name, shape.params, shape.results ?? [], [], (a) => {
      shape.before?.(a)
      this.#passes.fuel?.charge(a, () => {
        a.get(shape.length).extend(shape.wideLength === true)
        if (shape.unit === 'bytes') a.i64(BYTES_PER_UNIT_LOG2).op(0x88)
        if (shape.unit === 'entries') a.i64(FUEL_PER_ENTRY).op(0x7e)
      })
      for (let i = 0; i < shape.params.length; i++) a.get(i)
      const gc = slot < PREFIX_MISC
      const immediates = ONE_IMMEDIATE.has(slot) ? [first] : [first, second]
      a.with(gc ? [0xfb, slot - PREFIX_GC] : [0xfc, slot - PREFIX_MISC], ...immediates)
    })
  }

  #shape(slot: number, first: number, second: number, at: number): Shape {
    const { memories, tables, drops } = this.#passes
    const memoryWide = (index: number): boolean => this.#info.memories[index]!.wide
    const tableWide = (index: number): boolean => this.#info.tables[index]!.wide
    // What cannot but trap does so before it is charged.
    const fitTable = (a: Assembler, table: number, wideLength: boolean): void => {
      a.get(2).extend(wideLength).with([0xfc, 16], table).extend(tableWide(table)).op(0x56)
      a.unlikely(() => a.op(0x00))
    }
    const fitArray = (a: Assembler, length: number): void => {
      a.get(length).get(0).op(0xfb, 15, 0x4b)
      a.unlikely(() => a.op(0x00))
    }
    const touch = (a: Assembler, table: number): void => {
      const ref = tables.touch(table)
      if (ref !== undefined) a.call(ref)
    }
    switch (slot) {
      case MEMORY_FILL: {
        const wide = memoryWide(first)
        const before = (a: Assembler): void => memories.checkBounds(a, first, 0, 2, wide)
        memories.pages(first)
        return { params: [size(wide), I32, size(wide)], length: 2, wideLength: wide, unit: 'bytes', before }
      }
      case MEMORY_COPY: {
        const [to, from] = [memoryWide(first), memoryWide(second)]
        const wide = to && from
        memories.pages(first)
        memories.pages(second)
        const before = (a: Assembler): void => {
          memories.checkBounds(a, first, 0, 2, wide)
          memories.checkBounds(a, second, 1, 2, wide)
        }
        return { params: [size(to), size(from), size(wide)], length: 2, wideLength: wide, unit: 'bytes', before }
      }
      case MEMORY_INIT: {
        memories.pages(second)
        const before = (a: Assembler): void => {
          memories.checkBounds(a, second, 0, 2, false)
          drops?.check(a, 'data', first, 1, 2)
        }
        return { params: [size(memoryWide(second)), I32, I32], length: 2, unit: 'bytes', before }
      }
      case TABLE_INIT: {
        tables.touch(second)
        const before = (a: Assembler): void => {
          drops?.check(a, 'elem', first, 1, 2)
          fitTable(a, second, false)
          touch(a, second)
        }
        return { params: [size(tableWide(second)), I32, I32], length: 2, unit: 'entries', before }
      }
      case TABLE_COPY: {
        const [to, from] = [tableWide(first), tableWide(second)]
        const wide = to && from
        tables.touch(first)
        const before = (a: Assembler): void => {
          fitTable(a, first, wide)
          touch(a, first)
        }
        return { params: [size(to), size(from), size(wide)], length: 2, wideLength: wide, unit: 'entries', before }
      }
      case TABLE_FILL: {
        const wide = tableWide(first)
        tables.touch(first)
        const before = (a: Assembler): void => {
          fitTable(a, first, wide)
          touch(a, first)
        }
        return {
          params: [size(wide), this.#info.tables[first]!.type, size(wide)],
          length: 2,
          wideLength: wide,
          unit: 'entries',
          before,
        }
      }
    }
    const array = refType(first, true)
    const made = [refType(first, false)]
    const element = unpacked(this.#element(first, at))
    switch (slot) {
      case ARRAY_NEW:
        return { params: [element, I32], results: made, length: 1, unit: 'elements' }
      case ARRAY_NEW_DEFAULT:
        return { params: [I32], results: made, length: 0, unit: 'elements' }
      case ARRAY_NEW_DATA:
        return {
          params: [I32, I32],
          results: made,
          length: 1,
          unit: 'elements',
          before: (a) => drops?.check(a, 'data', second, 0, 1),
        }
      case ARRAY_NEW_ELEM:
        return {
          params: [I32, I32],
          results: made,
          length: 1,
          unit: 'entries',
          before: (a) => drops?.check(a, 'elem', second, 0, 1),
        }
      case ARRAY_FILL:
        return { params: [array, I32, element, I32], length: 3, unit: 'elements', before: (a) => fitArray(a, 3) }
      case ARRAY_COPY:
        this.#element(second, at)
        return {
          params: [array, I32, refType(second, true), I32, I32],
          length: 4,
          unit: 'elements',
          before: (a) => fitArray(a, 4),
        }
      case ARRAY_INIT_DATA:
        return {
          params: [array, I32, I32, I32],
          length: 3,
          unit: 'elements',
          before: (a) => drops?.check(a, 'data', second, 2, 3),
        }
      case ARRAY_INIT_ELEM:
        return {
          params: [array, I32, I32, I32],
          length: 3,
          unit: 'entries',
          before: (a) => drops?.check(a, 'elem', second, 2, 3),
        }
      default:
        return invalid(`no bulk operation ${describeOpcode(slot)}`, at)
    }
  }

  #element(type: number, at: number): ValueType {
    const defined = this.#info.types[type]
    return defined?.kind === 'array' ? defined.element : invalid(`type ${type} is not an array type`, at)
  }
}

const ONE_IMMEDIATE = new Set([MEMORY_FILL, TABLE_FILL, ARRAY_NEW, ARRAY_NEW_DEFAULT, ARRAY_FILL])
