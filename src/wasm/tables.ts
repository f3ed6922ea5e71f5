import type { Additions, Ref } from './assemble.ts'
import { type Fuel, HOST } from './fuel.ts'
import type { ModuleInfo } from './model.ts'
import { heapOf, I32, I64, isNullable, writeValueType } from './types.ts'

/** What one table entry costs to write in bulk: V8 takes some 100 ns for it, hundreds of times as long as for four bytes of memory. */
export const FUEL_PER_ENTRY = 512
const FUEL_PER_NEW_ENTRY = 128
/** V8 grows no table beyond this; asking and charging for what must fail would be wrong. */
const MAX_ENTRIES = 10_000_000

export interface TableState {
  /** i32: 1 once the table was written by code since `save`, or since instantiation before the first one. */
  readonly dirty: Ref
  /** i32: 1 once the table grew since `save`. */
  readonly grew: Ref
  /** Index of the table that holds the copy. */
  readonly shadow: number
  readonly touch: Ref
}

/** Copies of tables at their first write after `save`, and growth that asks the host. */
export class Tables {
  readonly #info: ModuleInfo
  readonly #additions: Additions
  readonly #fuel: Fuel | undefined
  readonly #limits: boolean
  /** Whether tables are restorable; else nothing is copied. */
  readonly state: boolean
  readonly states = new Map<number, TableState>()
  readonly #imported = new Map<string, Ref>()
  readonly #grow = new Map<number, Ref>()
  #ask: Ref | undefined
  /** Writes the initial value of table `index` with indices as they are in the output. */
  readonly #writeInit: (index: number, out: Parameters<typeof writeValueType>[0]) => void

  constructor(
    info: ModuleInfo,
    additions: Additions,
    passes: { readonly fuel: Fuel | undefined; readonly limits: boolean; readonly state: boolean },
    writeInit: (index: number, out: Parameters<typeof writeValueType>[0]) => void,
  ) {
    this.#info = info
    this.#additions = additions
    this.#fuel = passes.fuel
    this.#limits = passes.limits
    this.state = passes.state
    this.#writeInit = writeInit
  }

  /** () -> (): must be called before table `index` is written; nothing when state is not kept. */
  touch(index: number): Ref | undefined {
    if (!this.state) return undefined
    const { from } = this.#info.tables[index]!
    if (from !== undefined) return this.#companion(from.module, `ampoule:touch:${from.name}`, [], [])
    let state = this.states.get(index)
    if (state === undefined) {
      state = this.#defineState(index)
      this.states.set(index, state)
    }
    return state.touch
  }

  /** (initial value, delta) -> old size or -1. */
  grow(index: number): Ref {
    const { from, wide, type } = this.#info.tables[index]!
    const size = wide ? I64 : I32
    if (from !== undefined && (this.#limits || this.state)) {
      return this.#companion(from.module, `ampoule:grow:${from.name}`, [type, size], [size])
    }
    let ref = this.#grow.get(index)
    if (ref === undefined) {
      ref = this.#defineGrow(index)
      this.#grow.set(index, ref)
    }
    return ref
  }

  #companion(module: string, name: string, params: readonly number[], results: readonly number[]): Ref {
    const key = `${module}\0${name}`
    let ref = this.#imported.get(key)
    if (ref === undefined) {
      ref = this.#additions.importFunction(module, name, params, results)
      this.#imported.set(key, ref)
    }
    return ref
  }

  #defineState(index: number): TableState {
    const { wide, type } = this.#info.tables[index]!
    const dirty = this.#additions.global(I32)
    const grew = this.#additions.global(I32)
    const shadow = this.#additions.table((out) => {
      if (!isNullable(type)) out.bytes(0x40, 0x00)
      writeValueType(out, type)
      out.bytes(wide ? 4 : 0, 0)
      if (!isNullable(type)) this.#writeInit(index, out)
    })
    const missing = 0
    const touch = this.#additions.func(`ampoule.touch-table${index}`, [], [], [wide ? I64 : I32], (a) => {
      a.globalGet(dirty).when(() => a.op(0x0f))
      // Charged alike in a fresh and in a restored instance: `save` and `restore` both leave the table clean.
      this.#fuel?.charge(a, () => a.with([0xfc, 16], index).extend(wide).i64(FUEL_PER_ENTRY).op(0x7e))
      // The copy is as long as the table was at `save`: every growth comes through here first.
      a.with([0xfc, 16], index)
        .with([0xfc, 16], shadow)
        .op(wide ? 0x7d : 0x6b)
        .set(missing)
      a.get(missing)
        .op(wide ? 0x50 : 0x45, 0x45)
        .when(() => {
          if (isNullable(type)) {
            a.op(0xd0)
            a.out.signed(heapOf(type))
          } else a.index(wide, 0).with([0x25], index)
          a.get(missing).with([0xfc, 15], shadow).index(wide, -1)
          a.op(wide ? 0x51 : 0x46).when(() => a.op(0x00))
        })
      a.index(wide, 0).index(wide, 0).with([0xfc, 16], index).with([0xfc, 14], shadow, index)
      a.i32(1).globalSet(dirty)
    })
    return { dirty, grew, shadow, touch }
  }

  #defineGrow(index: number): Ref {
    const { wide, max, type, from } = this.#info.tables[index]!
    const size = wide ? I64 : I32
    const touch = this.touch(index)
    const grew = from === undefined ? this.states.get(index)?.grew : undefined
    const ask = this.#limits
      ? (this.#ask ??= this.#additions.importFunction(HOST, 'grow-table', [I32, I64, I64], [I32]))
      : undefined
    const [initial, delta, old] = [0, 1, 2]
    return this.#additions.func(`ampoule.grow-table${index}`, [type, size], [size], [I64], (a) => {
      const fail = (): unknown => a.index(wide, -1).op(0x0f)
      a.with([0xfc, 16], index).extend(wide).set(old)
      a.get(delta)
        .op(wide ? 0x50 : 0x45)
        .when(() => a.get(old).wrap(wide).op(0x0f))
      const limit = Math.min(max ?? Infinity, MAX_ENTRIES)
      a.get(delta).extend(wide).i64(limit).get(old).op(0x7d, 0x56).when(fail)
      this.#fuel?.charge(a, () => a.get(delta).extend(wide).i64(FUEL_PER_NEW_ENTRY).op(0x7e))
      if (ask !== undefined) a.i32(index).get(old).get(delta).extend(wide).get(old).op(0x7c).call(ask).op(0x45).when(fail)
      if (touch !== undefined) a.call(touch)
      a.get(initial).get(delta).with([0xfc, 15], index).index(wide, -1)
      a.op(wide ? 0x51 : 0x46).when(fail)
      if (grew !== undefined) a.i32(1).globalSet(grew)
      a.get(old).wrap(wide)
    })
  }
}
