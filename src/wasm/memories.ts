import type { Additions, Assembler, Ref } from './assemble.ts'
import { type Fuel, HOST } from './fuel.ts'
import type { ModuleInfo } from './model.ts'
import { I32, I64 } from './types.ts'

/** What a page of growth costs: about what filling it would. */
const FUEL_PER_PAGE = 1024
const PAGE_LOG2 = 16
const MAX_PAGES_32 = 65_536
/** V8 grows no 64-bit memory beyond 16 GiB; asking and charging for what must fail would be wrong. */
const MAX_PAGES_64 = 262_144

/**
 * Virtual sizes: `memory.size` reads a global and `memory.grow` asks the host, so that a memory that really grew can go back.
 * Shared memories keep their real size, which other threads change too.
 */
export class Memories {
  readonly #info: ModuleInfo
  readonly #additions: Additions
  readonly #fuel: Fuel | undefined
  /** Whether sizes are virtual at all. */
  readonly virtual: boolean
  readonly #pages = new Map<number, Ref>()
  readonly #grow = new Map<number, Ref>()
  #ask: Ref | undefined

  constructor(info: ModuleInfo, additions: Additions, fuel: Fuel | undefined, virtual: boolean) {
    this.#info = info
    this.#additions = additions
    this.#fuel = fuel
    this.virtual = virtual
  }

  /** The global with the virtual size; nothing for a shared memory, or when sizes are not virtual. */
  pages(index: number): Ref | undefined {
    const memory = this.#info.memories[index]!
    if (memory.shared || !this.virtual) return undefined
    let ref = this.#pages.get(index)
    if (ref === undefined) {
      const type = memory.wide ? I64 : I32
      ref =
        memory.from === undefined
          ? this.#additions.global(type, memory.min)
          : this.#additions.importGlobal(memory.from.module, `ampoule:pages:${memory.from.name}`, type)
      this.#pages.set(index, ref)
    }
    return ref
  }

  /** (delta) -> old size or -1. */
  grow(index: number): Ref {
    let ref = this.#grow.get(index)
    if (ref === undefined) {
      const { from, wide } = this.#info.memories[index]!
      const type = wide ? I64 : I32
      ref =
        from === undefined
          ? this.#defineGrow(index)
          : this.#additions.importFunction(from.module, `ampoule:grow:${from.name}`, [type], [type])
      this.#grow.set(index, ref)
    }
    return ref
  }

  #defineGrow(index: number): Ref {
    const { wide, max } = this.#info.memories[index]!
    const type = wide ? I64 : I32
    const limit = Math.min(max ?? Infinity, wide ? MAX_PAGES_64 : MAX_PAGES_32)
    const pages = this.pages(index)
    const ask = (this.#ask ??= this.#additions.importFunction(HOST, 'grow-memory', [I32, I64, I64, I64], [I32]))
    const [delta, old, next] = [0, 1, 2]
    return this.#additions.func(`ampoule.grow-memory${index}`, [type], [type], [I64, I64], (a) => {
      const fail = (): unknown => a.index(wide, -1).op(0x0f)
      if (pages === undefined) a.with([0x3f], index)
      else a.globalGet(pages)
      a.extend(wide).set(old)
      a.get(delta)
        .op(wide ? 0x50 : 0x45)
        .when(() => a.get(old).wrap(wide).op(0x0f))
      a.get(delta).extend(wide).i64(limit).get(old).op(0x7d, 0x56).when(fail)
      a.get(delta).extend(wide).get(old).op(0x7c).set(next)
      this.#fuel?.charge(a, () => a.get(delta).extend(wide).i64(FUEL_PER_PAGE).op(0x7e))
      a.i32(index).get(old).get(next).with([0x3f], index).extend(wide).call(ask)
      a.op(0x45).when(fail)
      a.get(next).with([0x3f], index).extend(wide).op(0x56)
      a.when(() => {
        a.get(next).with([0x3f], index).extend(wide).op(0x7d).wrap(wide).with([0x40], index)
        a.index(wide, -1)
          .op(wide ? 0x51 : 0x46)
          .when(fail)
      })
      if (pages !== undefined) a.get(next).wrap(wide).globalSet(pages)
      a.get(old).wrap(wide)
    })
  }

  /**
   * Traps when [address, address + length) leaves the memory. Between the virtual and the real size the host may have protected the
   * range, where the engine's own code for bulk operations would fault outside guest code; and what traps must not be charged.
   */
  checkBounds(a: Assembler, index: number, address: number, length: number, wideLength: boolean): void {
    const pages = this.pages(index)
    const { wide } = this.#info.memories[index]!
    const size = (): Assembler =>
      (pages === undefined ? a.with([0x3f], index) : a.globalGet(pages)).extend(wide).i64(PAGE_LOG2).op(0x86)
    if (wide) {
      a.get(length).extend(wideLength)
      size().op(0x56)
      a.get(address)
      size().get(length).extend(wideLength).op(0x7d, 0x56, 0x72)
    } else {
      a.get(address).extend(false).get(length).extend(wideLength).op(0x7c)
      size().op(0x56)
    }
    a.unlikely(() => a.op(0x00))
  }
}
