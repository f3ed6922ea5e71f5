import type { Additions, Assembler, Ref } from './assemble.ts'
import type { ModuleInfo } from './model.ts'
import { I32 } from './types.ts'

export type SegmentSpace = 'data' | 'elem'

/** `data.drop` and `elem.drop` cannot be undone, so they set a flag, and what reads the segment treats it as empty. */
export class Drops {
  readonly #info: ModuleInfo
  readonly #additions: Additions
  readonly #flags = new Map<string, Ref>()

  constructor(info: ModuleInfo, additions: Additions) {
    this.#info = info
    this.#additions = additions
  }

  /** The flag to set for a drop; nothing for segments that are empty from instantiation on (active and declared ones). */
  flag(space: SegmentSpace, index: number): Ref | undefined {
    const mode = space === 'data' ? this.#info.data[index] : this.#info.elements[index]?.mode
    if (mode !== 'passive') return undefined
    const key = `${space}${index}`
    let ref = this.#flags.get(key)
    if (ref === undefined) {
      ref = this.#additions.global(I32)
      this.#flags.set(key, ref)
    }
    return ref
  }

  /** Every flag with the name of its segment: `data3`, `elem0`. */
  flags(): ReadonlyMap<string, Ref> {
    return this.#flags
  }

  /** Traps when the segment is dropped and [offset, offset + length) is not empty at 0. Locals are i32. */
  check(a: Assembler, space: SegmentSpace, index: number, offset: number, length: number): void {
    const flag = this.#flags.get(`${space}${index}`)
    if (flag === undefined) return
    a.globalGet(flag)
      .op(0x45, 0x45)
      .get(offset)
      .get(length)
      .op(0x72, 0x45, 0x45, 0x71)
      .unlikely(() => a.op(0x00))
  }
}
