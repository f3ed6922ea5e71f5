import type { Host } from './host.ts'
import { plain, type HostFunction, type HostInterface } from './interface.ts'
import { clampLength } from './io/results.ts'
import { trap } from './trap.ts'

/** More at once would hold the lane for longer than a slice or two. */
const MAX_BYTES = 1024 * 1024

/** Bytes that are drawn from the environment at once (getRandomValues stops at 65,536). */
const CHUNK = 65_536

function draw(host: Host): bigint {
  const bytes = host.randomBytes(8)
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
}

/** list<u8> of random bytes, drawn in pieces so that the host holds little. */
const bytes: HostFunction = plain((host, memory) => (length: bigint, result: number) => {
  const count = clampLength(length, MAX_BYTES)
  if (BigInt.asUintN(64, length) > BigInt(count))
    trap(`${BigInt.asUintN(64, length)} random bytes were asked for at once; the limit is ${MAX_BYTES}`)
  const pointer = memory.allocate(count, 1)
  for (let done = 0; done < count; done += CHUNK) {
    const piece = Math.min(CHUNK, count - done)
    memory.bytes(pointer + done, piece).set(host.randomBytes(piece))
  }
  memory.putPair(result, pointer, count)
})
const u64: HostFunction = plain((host) => () => draw(host))

/** wasi:random 0.2; the insecure interfaces give the same quality. */
export const randomInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:random/random': { resources: {}, functions: { 'get-random-bytes': bytes, 'get-random-u64': u64 } },
  'wasi:random/insecure': { resources: {}, functions: { 'get-insecure-random-bytes': bytes, 'get-insecure-random-u64': u64 } },
  'wasi:random/insecure-seed': {
    resources: {},
    functions: {
      'insecure-seed': plain((host, memory) => (result: number) => {
        const area = memory.area(result, 16, 8)
        area.u64(0, draw(host))
        area.u64(8, draw(host))
      }),
    },
  },
}
