import type { Host } from '../host.ts'
import { plain, type HostFunction } from '../interface.ts'
import { clampLength } from '../io/results.ts'
import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import { DESCRIPTOR, DirectoryEntries, FileInput, FileOutput, type Descriptor } from './descriptor.ts'
import { attempt, attemptTo, DESCRIPTOR_TYPES, fileOffset, newTimestamp, putMetadataHash, putStat } from './results.ts'

/** Bytes that one `read` gives at most; a short read is not the end of the file. */
const MAX_READ = 1024 * 1024

/** Number of cases of wasi:filesystem advice. */
const ADVICES = 6

/** result<own<T>, error-code> for a resource made from the descriptor. */
function opening(make: (host: Host, descriptor: Descriptor) => number): HostFunction {
  return plain((host, memory) => (self: number, result: number) => {
    const descriptor = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 8, 4, () => {
      const handle = make(host, descriptor)
      return (area) => area.u32(4, handle)
    })
  })
}

function streamAt(make: (host: Host, descriptor: Descriptor, offset: number) => number): HostFunction {
  return plain((host, memory) => (self: number, offset: bigint, result: number) => {
    const descriptor = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 8, 4, () => {
      const handle = make(host, descriptor, fileOffset(offset))
      return (area) => area.u32(4, handle)
    })
  })
}

/** Nothing is behind memory: a sync only checks the descriptor. */
const sync: HostFunction = plain((host, memory) => (self: number, result: number) => {
  host.table.get(self, DESCRIPTOR)
  attemptTo(memory, result, () => undefined)
})

function setTimes(
  host: Host,
  memory: GuestMemory,
  self: number,
  access: readonly [kind: number, seconds: bigint, nanoseconds: number],
  modification: readonly [kind: number, seconds: bigint, nanoseconds: number],
  result: number,
): void {
  const { node } = host.table.get(self, DESCRIPTOR)
  attemptTo(memory, result, () => {
    const accessed = newTimestamp(host, ...access)
    const modified = newTimestamp(host, ...modification)
    host.tree.setTimes(node, accessed, modified)
  })
}

/** Methods of wasi:filesystem/types descriptor that work on what it is open on. */
export const descriptorFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]descriptor.read-via-stream': streamAt((host, descriptor, offset) =>
    host.table.add(new FileInput(descriptor.readable(), offset, host)),
  ),
  '[method]descriptor.write-via-stream': streamAt((host, descriptor, offset) =>
    host.table.add(new FileOutput(descriptor.writable(), offset, host)),
  ),
  '[method]descriptor.append-via-stream': opening((host, descriptor) =>
    host.table.add(new FileOutput(descriptor.writable(), 'end', host)),
  ),
  '[method]descriptor.advise': plain(
    (host, memory) => (self: number, _offset: bigint, _length: bigint, advice: number, result: number) => {
      const descriptor = host.table.get(self, DESCRIPTOR)
      if (advice >>> 0 >= ADVICES) trap(`advice ${advice >>> 0}`)
      attemptTo(memory, result, () => {
        if (descriptor.node.type === 'directory') descriptor.readable()
      })
    },
  ),
  '[method]descriptor.sync-data': sync,
  '[method]descriptor.sync': sync,
  '[method]descriptor.get-flags': plain((host, memory) => (self: number, result: number) => {
    const { flags } = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 2, 1, () => (area) => area.u8(1, flags))
  }),
  '[method]descriptor.get-type': plain((host, memory) => (self: number, result: number) => {
    const { node } = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 2, 1, () => (area) => area.u8(1, DESCRIPTOR_TYPES[node.type]))
  }),
  '[method]descriptor.set-size': plain((host, memory) => (self: number, size: bigint, result: number) => {
    const descriptor = host.table.get(self, DESCRIPTOR)
    attemptTo(memory, result, () => host.tree.resize(descriptor.writable(), fileOffset(size)))
  }),
  '[method]descriptor.set-times': plain(
    (host, memory) =>
      (
        self: number,
        aKind: number,
        aSeconds: bigint,
        aNanos: number,
        mKind: number,
        mSeconds: bigint,
        mNanos: number,
        result: number,
      ) => {
        setTimes(host, memory, self, [aKind, aSeconds, aNanos], [mKind, mSeconds, mNanos], result)
      },
  ),
  '[method]descriptor.read': plain((host, memory) => (self: number, length: bigint, offset: bigint, result: number) => {
    const descriptor = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 16, 4, () => {
      const file = descriptor.readable()
      const start = fileOffset(offset)
      const bytes = host.tree.read(file, start, clampLength(length, MAX_READ))
      const pointer = memory.newBytes(bytes)
      return (area) => {
        area.u32(4, pointer)
        area.u32(8, bytes.length)
        area.u8(12, start + bytes.length >= file.size ? 1 : 0)
      }
    })
  }),
  '[method]descriptor.write': plain(
    (host, memory) => (self: number, pointer: number, length: number, offset: bigint, result: number) => {
      const descriptor = host.table.get(self, DESCRIPTOR)
      const bytes = memory.bytes(pointer, length)
      attempt(memory, result, 16, 8, () => {
        host.tree.write(descriptor.writable(), fileOffset(offset), bytes)
        return (area) => area.u64(8, BigInt(bytes.length))
      })
    },
  ),
  '[method]descriptor.read-directory': opening((host, descriptor) =>
    host.table.add(
      new DirectoryEntries(
        [...descriptor.directory().entries].map(([name, node]) => [name, node.type]),
        host,
      ),
    ),
  ),
  '[method]descriptor.stat': plain((host, memory) => (self: number, result: number) => {
    const { node } = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 104, 8, () => (area) => putStat(area, node))
  }),
  '[method]descriptor.is-same-object': plain(
    (host) => (self: number, other: number) =>
      host.table.get(self, DESCRIPTOR).node === host.table.get(other, DESCRIPTOR).node ? 1 : 0,
  ),
  '[method]descriptor.metadata-hash': plain((host, memory) => (self: number, result: number) => {
    const { node } = host.table.get(self, DESCRIPTOR)
    attempt(memory, result, 24, 8, () => (area) => putMetadataHash(area, node))
  }),
}
