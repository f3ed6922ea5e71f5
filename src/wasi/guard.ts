import type { LoweredFunction } from './contract.ts'
import type { Host } from './host.ts'
import type { CoreFunction, CoreResult } from './interface.ts'

type CoreValue = number | bigint
type Call = (...args: CoreValue[]) => CoreResult | Promise<CoreResult>

/**
 * Puts around a host function what holds for all of them: nothing runs in an instance that is over, and a throw ends the instance
 * for the host even when the guest catches it. By number of parameters, because rest arrays show in hot calls.
 */
export function guard(host: Host, fn: CoreFunction, suspends: boolean): LoweredFunction['call'] {
  // the signatures come from the same WIT as the guest's, which core code cannot call differently
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const call = fn as Call
  const inner = suspends ? endOnRejection(host, call) : call
  const ended = (error: unknown): never => {
    host.end(error)
    throw error
  }
  switch (fn.length) {
    case 1:
      return (a: CoreValue) => {
        host.enter()
        try {
          return inner(a)
        } catch (error) {
          return ended(error)
        }
      }
    case 2:
      return (a: CoreValue, b: CoreValue) => {
        host.enter()
        try {
          return inner(a, b)
        } catch (error) {
          return ended(error)
        }
      }
    case 3:
      return (a: CoreValue, b: CoreValue, c: CoreValue) => {
        host.enter()
        try {
          return inner(a, b, c)
        } catch (error) {
          return ended(error)
        }
      }
    case 4:
      return (a: CoreValue, b: CoreValue, c: CoreValue, d: CoreValue) => {
        host.enter()
        try {
          return inner(a, b, c, d)
        } catch (error) {
          return ended(error)
        }
      }
    default:
      return (...args: CoreValue[]) => {
        host.enter()
        try {
          return inner(...args)
        } catch (error) {
          return ended(error)
        }
      }
  }
}

function endOnRejection(host: Host, call: Call): Call {
  return (...args) => {
    const result = call(...args)
    if (!(result instanceof Promise)) return result
    return result.catch((error: unknown) => {
      host.end(error)
      throw error
    })
  }
}
