import { invalid } from './reader.ts'

export const FUNCTION = 0
export const BLOCK = 1
export const LOOP = 2
export const IF = 3
export const ELSE = 4
export const TRY = 5
export const CATCH = 6
export const CATCH_ALL = 7
export const TRY_TABLE = 8

/** The constructs that enclose the current instruction, in flat arrays; 0 is the function. */
export class ControlStack {
  kinds = new Uint8Array(256)
  /** The segment that was current before the construct. */
  entries = new Int32Array(256)
  /** The outermost construct that something inside branches to; -1 when something inside leaves the function. */
  outermost = new Int32Array(256)
  targeted = new Uint8Array(256)
  height = -1

  reset(): void {
    this.height = -1
  }

  push(kind: number, segment: number): void {
    const at = ++this.height
    if (at >= this.kinds.length) this.#grow()
    this.kinds[at] = kind
    this.entries[at] = segment
    this.outermost[at] = 0x7fff_ffff
    this.targeted[at] = 0
  }

  /** Leaves the top construct; what escapes from it escapes from inside its parent too. */
  pop(): void {
    const at = this.height--
    if (at > 0 && this.outermost[at]! < this.outermost[at - 1]!) this.outermost[at - 1] = this.outermost[at]!
  }

  branch(label: number, at: number): void {
    const target = this.height - label
    if (target < 0) invalid(`unknown label ${label}`, at)
    this.targeted[target] = 1
    if (target < this.outermost[this.height]!) this.outermost[this.height] = target
  }

  leave(): void {
    this.outermost[this.height] = -1
  }

  #grow(): void {
    const size = this.kinds.length * 2
    const kinds = new Uint8Array(size)
    const entries = new Int32Array(size)
    const outermost = new Int32Array(size)
    const targeted = new Uint8Array(size)
    kinds.set(this.kinds)
    entries.set(this.entries)
    outermost.set(this.outermost)
    targeted.set(this.targeted)
    Object.assign(this, { kinds, entries, outermost, targeted })
  }
}
