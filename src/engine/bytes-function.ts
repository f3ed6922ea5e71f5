import type { CanonicalAccess } from './access.ts'
import type { CoreRef } from '../component/contract.ts'
import { AmpouleError } from '../errors.ts'

/** Gives exports of core instances. */
export type Resolve = (ref: CoreRef) => WebAssembly.ExportValue
type CoreFunction = (...args: (number | bigint)[]) => number | bigint | undefined

/** An export, called by the canonical ABI with flat parameters; its result stands in memory. */
export interface BytesFunction {
  readonly access: CanonicalAccess
  readonly call: (...parameters: number[]) => Promise<number>
  readonly postReturn: ((result: number) => Promise<unknown>) | undefined
}

/** `ok` is false for the err side. */
export interface BytesAnswer {
  readonly ok: boolean
  readonly payload: Uint8Array
}

/** Calls a `func(list<u8>) -> result<list<u8>, list<u8>>`. `keep`: nothing is restored afterwards, so the guest has to free its answer. */
export async function callBytes(
  { access, call, postReturn }: BytesFunction,
  bytes: Uint8Array,
  maxResponseBytes: number,
  keep: boolean,
): Promise<BytesAnswer> {
  const pointer = access.realloc(0, 0, 1, bytes.length)
  access.memory.slice(pointer, bytes.length).set(bytes)
  const result = await call(pointer, bytes.length)
  const head = access.memory.slice(result, 12)
  const view = new DataView(head.buffer, head.byteOffset, 12)
  const tag = view.getUint8(0)
  if (tag > 1) throw new AmpouleError('InvalidResponse', `the function answered a result that is neither ok nor err (${tag})`)
  const length = view.getUint32(8, true)
  if (length > maxResponseBytes)
    throw new AmpouleError(
      'ResponseTooLarge',
      `the function answered ${length} bytes; the limit is ${maxResponseBytes} ("maxResponseBytes")`,
    )
  const payload = access.memory.slice(view.getUint32(4, true), length).slice()
  if (keep) await postReturn?.(result)
  return { ok: tag === 0, payload }
}

/** A `load` answers nothing, or an error with its stack. */
const MAX_LOAD_ANSWER_BYTES = 1024 * 1024

export const callLoad = (entry: BytesFunction, script: Uint8Array): Promise<BytesAnswer> =>
  callBytes(entry, script, MAX_LOAD_ANSWER_BYTES, true)

export function asFunction(ref: CoreRef | undefined, resolve: Resolve): CoreFunction & ((...args: number[]) => number) {
  const value = ref === undefined ? undefined : resolve(ref)
  if (typeof value !== 'function') throw new WebAssembly.RuntimeError('a canonical function needs cabi_realloc and has none')
  return value as CoreFunction & ((...args: number[]) => number)
}
