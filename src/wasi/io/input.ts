import type { Host } from '../host.ts'
import { plain, suspending, type HostFunction } from '../interface.ts'
import type { GuestMemory } from '../memory.ts'
import { Pollable } from './poll.ts'
import { clampLength, putCount, putStreamError } from './results.ts'
import { INPUT_STREAM, type InputStream } from './streams.ts'

/** result<list<u8>, stream-error> with at most `length` bytes. */
function read(host: Host, memory: GuestMemory, stream: InputStream, length: bigint, result: number): void {
  const available = stream.peek()
  const end = available.length === 0 ? stream.end() : undefined
  if (end !== undefined) {
    putStreamError(host, memory, result, 4, end)
    return
  }
  const count = clampLength(length, available.length)
  const pointer = memory.newBytes(count === available.length ? available : available.subarray(0, count))
  stream.consume(count)
  const area = memory.area(result, 12, 4)
  area.u8(0, 0)
  area.u32(4, pointer)
  area.u32(8, count)
}

function skip(host: Host, memory: GuestMemory, stream: InputStream, length: bigint, result: number): void {
  const available = stream.peek().length
  const end = available === 0 ? stream.end() : undefined
  const count = clampLength(length, available)
  if (end === undefined) stream.consume(count)
  putCount(host, memory, result, end ?? count)
}

async function whenReady(host: Host, stream: InputStream, then: () => void): Promise<void> {
  while (!stream.ready()) await host.wait([stream])
  then()
}

/** Methods of wasi:io/streams input-stream. */
export const inputStreamFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]input-stream.read': plain((host, memory) => (self: number, length: bigint, result: number) => {
    read(host, memory, host.table.get(self, INPUT_STREAM), length, result)
  }),
  '[method]input-stream.blocking-read': suspending((host, memory) => (self: number, length: bigint, result: number) => {
    const stream = host.table.get(self, INPUT_STREAM)
    if (stream.ready() || length === 0n) return read(host, memory, stream, length, result)
    return whenReady(host, stream, () => read(host, memory, stream, length, result))
  }),
  '[method]input-stream.skip': plain((host, memory) => (self: number, length: bigint, result: number) => {
    skip(host, memory, host.table.get(self, INPUT_STREAM), length, result)
  }),
  '[method]input-stream.blocking-skip': suspending((host, memory) => (self: number, length: bigint, result: number) => {
    const stream = host.table.get(self, INPUT_STREAM)
    if (stream.ready() || length === 0n) return skip(host, memory, stream, length, result)
    return whenReady(host, stream, () => skip(host, memory, stream, length, result))
  }),
  '[method]input-stream.subscribe': plain((host) => (self: number) => {
    const stream = host.table.get(self, INPUT_STREAM)
    return host.table.add(new Pollable(stream), stream)
  }),
}
