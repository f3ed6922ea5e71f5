import type { Additions, Assembler, Ref } from './assemble.ts'
import { I64 } from './types.ts'

/** The name of the module that an instrumented module imports its host functions from. */
export const HOST = 'ampoule'

/** The fuel counter and the way out when it is below zero. */
export class Fuel {
  /** Defined here and not imported: V8 reaches imported mutable globals through one more pointer, at every charge. */
  readonly global: Ref
  /** (i64 left) -> i64: asks the host; does not return when the host says kill. */
  readonly cold: Ref

  constructor(additions: Additions) {
    this.global = additions.global(I64)
    const refuel = additions.importFunction(HOST, 'refuel', [I64], [I64])
    const pause = additions.importFunction(HOST, 'yield', [I64], [I64])
    const [answer, left] = [0, 1]
    this.cold = additions.func(`${HOST}.cold`, [I64], [I64], [I64], (a) => {
      a.get(answer).set(left).get(answer).call(refuel).set(answer)
      // A suspending import throws outside a promising call even when it would not suspend, so that a plain one decides first.
      a.get(answer)
        .op(0x50)
        .when(() => a.get(answer).call(pause).set(answer))
      // A trap, unlike an exception out of an import, cannot be caught by the guest. What is left stays below zero: whoever calls
      // into the instance again ends here again.
      a.get(answer)
        .i64(0)
        .op(0x53)
        .when(() => a.get(left).globalSet(this.global).op(0x00))
      a.get(answer)
    })
  }

  /** Takes what `amount` leaves on the stack (i64, not negative) and checks. */
  charge(a: Assembler, amount: () => void): void {
    a.globalGet(this.global)
    amount()
    a.op(0x7d).globalSet(this.global)
    a.globalGet(this.global)
      .i64(0)
      .op(0x53)
      .unlikely(() => a.globalGet(this.global).call(this.cold).globalSet(this.global))
  }
}
