/** What the second walk does at a place of a function body. Places without a range are insertions. */
export const ENTRY = 1
/** Insert a charge; argument: its cost. */
export const CHARGE = 2
/** Insert a charge and a check behind a loop header; argument: its cost. */
export const LOOP = 3
/** Argument: function index of the input. */
export const CALL = 4
/** A call whose bytes stay as they are. */
export const CALL_OTHER = 5
export const TAIL_CALL = 6
/** An instruction that leaves the function and whose bytes stay as they are. */
export const LEAVE = 7
export const REF_FUNC = 8
export const GLOBAL_GET = 9
export const GLOBAL_SET = 10
/** Replace by a call of an injected function; argument: position in `refs`. */
export const CALL_INJECTED = 11
/** Replace by reading an injected global; argument: position in `refs`. */
export const READ_INJECTED = 12
/** Replace by setting an injected global to 1; argument: position in `refs`. */
export const RAISE_FLAG = 13
export const REMOVE = 14
/** Insert `touch` before; argument: table. */
export const TABLE_WRITE = 15

const STRIDE = 4

/** All places of all functions in one flat array: position, end, kind, argument. */
export class Sites {
  data = new Int32Array(4096)
  length = 0

  constructor() {
    // Place 0 takes the costs of unreachable code.
    this.add(0, 0, 0, 0)
  }

  /** Returns the place's number, which is also the number of the segment that it begins. */
  add(from: number, to: number, kind: number, argument: number): number {
    if (this.length + STRIDE > this.data.length) {
      const grown = new Int32Array(this.data.length * 2)
      grown.set(this.data)
      this.data = grown
    }
    const at = this.length
    this.data[at] = from
    this.data[at + 1] = to
    this.data[at + 2] = kind
    this.data[at + 3] = argument
    this.length = at + STRIDE
    return at
  }
}
