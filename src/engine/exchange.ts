import type { CanonicalAccess } from './access.ts'
import type { BytesFunction } from './bytes-function.ts'
import type { ExchangeAnswer, ExchangeRequest } from './contract.ts'
import { AmpouleError } from '../errors.ts'

/** An export of type `func(string, string, list<u8>) -> result<tuple<list<string>, list<u8>>, list<u8>>`. */
export type ExchangeFunction = BytesFunction

/** `result<tuple<list<string>, list<u8>>, list<u8>>` in memory: the case, then pointers and lengths. */
const RESULT_BYTES = 20
/** A string in a list: pointer and length. */
const STRING_BYTES = 8

/** More than any answer that HTTP lets pass has: a status, 256 headers, a body (src/triggers/http-headers.ts). */
const MAX_STRINGS = 1024

/** `keep`: nothing is restored afterwards, so the guest has to free its answer. */
export async function callExchange(
  { access, call, postReturn }: ExchangeFunction,
  { head, text, bytes }: ExchangeRequest,
  maxResponseBytes: number,
  keep: boolean,
): Promise<ExchangeAnswer> {
  const headAt = place(access, head)
  const textAt = place(access, text)
  const result = await call(headAt, head.length, textAt, text.length, place(access, bytes), bytes.length)
  const answer = readAnswer(access, result, maxResponseBytes)
  if (keep) await postReturn?.(result)
  return answer
}

/** What is empty needs no memory: any pointer will do. */
function place(access: CanonicalAccess, bytes: Uint8Array): number {
  if (bytes.length === 0) return 1
  const pointer = access.realloc(0, 0, 1, bytes.length)
  access.memory.slice(pointer, bytes.length).set(bytes)
  return pointer
}

/** Everything is the guest's word: each pointer is checked against its memory, and what is copied in all against the limit. */
function readAnswer({ memory }: CanonicalAccess, result: number, maxBytes: number): ExchangeAnswer {
  let left = maxBytes
  const take = (pointer: number, length: number): Buffer => {
    left -= length
    if (left < 0)
      throw new AmpouleError(
        'ResponseTooLarge',
        `the function answered more than ${maxBytes} bytes; the limit is ${maxBytes} ("maxResponseBytes")`,
      )
    return Buffer.from(memory.slice(pointer, length))
  }
  const view = viewOf(memory.slice(result, RESULT_BYTES))
  const tag = view.getUint8(0)
  if (tag > 1) throw new AmpouleError('InvalidResponse', `the function answered a result that is neither ok nor err (${tag})`)
  if (tag === 1) return { ok: false, payload: new Uint8Array(take(view.getUint32(4, true), view.getUint32(8, true))) }
  const count = view.getUint32(8, true)
  if (count > MAX_STRINGS)
    throw new AmpouleError('InvalidResponse', `the function answered ${count} strings; the limit is ${MAX_STRINGS}`)
  const list = viewOf(memory.slice(view.getUint32(4, true), count * STRING_BYTES))
  const strings: Buffer[] = []
  for (let at = 0; at < count * STRING_BYTES; at += STRING_BYTES)
    strings.push(take(list.getUint32(at, true), list.getUint32(at + 4, true)))
  return { ok: true, strings, bytes: take(view.getUint32(12, true), view.getUint32(16, true)) }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
