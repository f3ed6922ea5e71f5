import { MIN_UNRESERVED } from '../../../control/concurrency.ts'
import { invalidParameter } from '../../../functions/lambda-error.ts'
import type { Operations } from '../contract.ts'
import { findFunction, nameOf } from '../find.ts'

/** Reserved concurrency: what a function has for itself, and at most. */
export const concurrency: Operations<'PutFunctionConcurrency' | 'GetFunctionConcurrency' | 'DeleteFunctionConcurrency'> = {
  async PutFunctionConcurrency(input, control) {
    const name = nameOf(input, control)
    const reserved = input.ReservedConcurrentExecutions ?? 0
    await control.concurrency.change(async (shares) => {
      await findFunction(name, control.store, control)
      const provisioned = shares.provisioned.get(name) ?? 0
      if (reserved < provisioned)
        throw invalidParameter(
          `Specified ReservedConcurrentExecutions for function should not be lower than function's total provisioned concurrency [${provisioned}].`,
        )
      const before = shares.reserved.get(name) ?? provisioned
      if (reserved > before && shares.unreserved - (reserved - before) < MIN_UNRESERVED)
        throw invalidParameter(
          `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${MIN_UNRESERVED}].`,
        )
      await control.store.transact(async (tx) => {
        await findFunction(name, tx, control)
        tx.put('concurrency', { name, reserved })
      })
    })
    return { ReservedConcurrentExecutions: reserved }
  },

  async GetFunctionConcurrency(input, control) {
    const name = nameOf(input, control)
    await findFunction(name, control.store, control)
    const found = await control.store.get('concurrency', [name])
    return found === undefined ? {} : { ReservedConcurrentExecutions: found.reserved }
  },

  async DeleteFunctionConcurrency(input, control) {
    const name = nameOf(input, control)
    await control.concurrency.change(() =>
      control.store.transact(async (tx) => {
        await findFunction(name, tx, control)
        tx.delete('concurrency', { name })
      }),
    )
    return {}
  },
}
