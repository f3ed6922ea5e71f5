import type { Host } from '../host.ts'
import type { GuestMemory } from '../memory.ts'
import { IoError } from './error.ts'
import { CLOSED, type StreamError } from './streams.ts'

/** Stores `err(stream-error)` at `result`, whose payload starts at `payload` (4 or 8). */
export function putStreamError(host: Host, memory: GuestMemory, result: number, payload: 4 | 8, error: StreamError): void {
  const handle = error === CLOSED ? 0 : host.table.add(new IoError(error))
  const area = memory.area(result, payload + 8, payload)
  area.u8(0, 1)
  area.u8(payload, error === CLOSED ? 1 : 0)
  if (error !== CLOSED) area.u32(payload + 4, handle)
}

/** result<_, stream-error> */
export function putDone(host: Host, memory: GuestMemory, result: number, error: StreamError | undefined): void {
  if (error !== undefined) putStreamError(host, memory, result, 4, error)
  else memory.area(result, 12, 4).u8(0, 0)
}

/** result<u64, stream-error> */
export function putCount(host: Host, memory: GuestMemory, result: number, count: number | StreamError): void {
  if (typeof count !== 'number') {
    putStreamError(host, memory, result, 8, count)
    return
  }
  const area = memory.area(result, 16, 8)
  area.u8(0, 0)
  area.u64(8, BigInt(count))
}

/** A u64 length as a number, cut at `limit`; core i64s are signed. */
export function clampLength(length: bigint, limit: number): number {
  const unsigned = BigInt.asUintN(64, length)
  return unsigned > BigInt(limit) ? limit : Number(unsigned)
}
