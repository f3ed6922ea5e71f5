import type { Host } from '../host.ts'
import { plain, suspending, type HostFunction } from '../interface.ts'
import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import { Pollable, type Waitable } from './poll.ts'
import { clampLength, putCount, putDone } from './results.ts'
import { EMPTY, INPUT_STREAM, OUTPUT_STREAM, type InputStream, type OutputStream, type StreamError } from './streams.ts'

/** What the blocking writes take at most (wasi:io/streams). */
const BLOCKING_LIMIT = 4096

function write(stream: OutputStream, bytes: Uint8Array): StreamError | undefined {
  const end = stream.end()
  if (end !== undefined) return end
  if (bytes.length > stream.permit()) trap(`write of ${bytes.length} bytes, where check-write permits ${stream.permit()}`)
  return bytes.length === 0 ? undefined : stream.write(bytes)
}

/** Writes `bytes`, which are not guest memory, waiting as often as it takes. */
async function writeAll(host: Host, stream: OutputStream, bytes: Uint8Array): Promise<StreamError | undefined> {
  let rest = bytes
  for (;;) {
    const end = stream.end()
    if (end !== undefined) return end
    const count = Math.min(stream.permit(), rest.length)
    if (count > 0) {
      const error = stream.write(rest.subarray(0, count))
      if (error !== undefined) return error
      rest = rest.subarray(count)
    }
    if (rest.length === 0) return undefined
    await host.wait([stream])
  }
}

function blockingWrite(
  host: Host,
  memory: GuestMemory,
  stream: OutputStream,
  bytes: Uint8Array,
  result: number,
): void | Promise<void> {
  if (bytes.length > BLOCKING_LIMIT) trap(`blocking write of ${bytes.length} bytes, the limit is ${BLOCKING_LIMIT}`)
  if (stream.end() === undefined && stream.permit() < bytes.length) {
    return writeAll(host, stream, bytes.slice()).then((error) => putDone(host, memory, result, error))
  }
  return putDone(host, memory, result, write(stream, bytes))
}

/** One move from `source` to `stream`; undefined when it has to wait. */
function move(host: Host, stream: OutputStream, source: InputStream, length: bigint): number | StreamError | undefined {
  const closed = stream.end()
  if (closed !== undefined) return closed
  const available = source.peek()
  const end = available.length === 0 ? source.end() : undefined
  if (end !== undefined) return end
  const count = clampLength(length, Math.min(available.length, stream.permit()))
  if (count === 0) return length === 0n ? 0 : undefined
  host.work(count)
  const error = stream.write(available.subarray(0, count))
  if (error !== undefined) return error
  source.consume(count)
  return count
}

async function moveSome(host: Host, stream: OutputStream, source: InputStream, length: bigint): Promise<number | StreamError> {
  for (;;) {
    const moved = move(host, stream, source, length)
    if (moved !== undefined) return moved
    const waitFor: Waitable = source.ready() ? stream : source
    await host.wait([waitFor])
  }
}

/** Methods of wasi:io/streams output-stream. */
export const outputStreamFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]output-stream.check-write': plain((host, memory) => (self: number, result: number) => {
    const stream = host.table.get(self, OUTPUT_STREAM)
    putCount(host, memory, result, stream.end() ?? stream.permit())
  }),
  '[method]output-stream.write': plain((host, memory) => (self: number, pointer: number, length: number, result: number) => {
    const stream = host.table.get(self, OUTPUT_STREAM)
    putDone(host, memory, result, write(stream, memory.bytes(pointer, length)))
  }),
  '[method]output-stream.blocking-write-and-flush': suspending(
    (host, memory) => (self: number, pointer: number, length: number, result: number) =>
      blockingWrite(host, memory, host.table.get(self, OUTPUT_STREAM), memory.bytes(pointer, length), result),
  ),
  '[method]output-stream.flush': plain((host, memory) => (self: number, result: number) => {
    putDone(host, memory, result, host.table.get(self, OUTPUT_STREAM).end())
  }),
  '[method]output-stream.blocking-flush': plain((host, memory) => (self: number, result: number) => {
    putDone(host, memory, result, host.table.get(self, OUTPUT_STREAM).end())
  }),
  '[method]output-stream.subscribe': plain((host) => (self: number) => {
    const stream = host.table.get(self, OUTPUT_STREAM)
    return host.table.add(new Pollable(stream), stream)
  }),
  '[method]output-stream.write-zeroes': plain((host, memory) => (self: number, length: bigint, result: number) => {
    const stream = host.table.get(self, OUTPUT_STREAM)
    const count = clampLength(length, Number.MAX_SAFE_INTEGER)
    if (stream.end() === undefined && count > stream.permit())
      trap(`write-zeroes of ${count} bytes, where check-write permits ${stream.permit()}`)
    if (stream.end() === undefined) host.work(count)
    putDone(host, memory, result, stream.end() ?? write(stream, new Uint8Array(count)))
  }),
  '[method]output-stream.blocking-write-zeroes-and-flush': suspending(
    (host, memory) => (self: number, length: bigint, result: number) => {
      const stream = host.table.get(self, OUTPUT_STREAM)
      return blockingWrite(
        host,
        memory,
        stream,
        length === 0n ? EMPTY : new Uint8Array(clampLength(length, BLOCKING_LIMIT + 1)),
        result,
      )
    },
  ),
  '[method]output-stream.splice': plain((host, memory) => (self: number, source: number, length: bigint, result: number) => {
    const moved = move(host, host.table.get(self, OUTPUT_STREAM), host.table.get(source, INPUT_STREAM), length)
    putCount(host, memory, result, moved ?? 0)
  }),
  '[method]output-stream.blocking-splice': suspending(
    (host, memory) => (self: number, source: number, length: bigint, result: number) => {
      const stream = host.table.get(self, OUTPUT_STREAM)
      const from = host.table.get(source, INPUT_STREAM)
      const moved = move(host, stream, from, length)
      if (moved !== undefined) return putCount(host, memory, result, moved)
      return moveSome(host, stream, from, length).then((count) => putCount(host, memory, result, count))
    },
  ),
}
