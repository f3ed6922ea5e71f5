import type { Host } from '../host.ts'
import type { Area, GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import { FILESYSTEM_ERROR_CODES, FilesystemError } from './error-code.ts'
import type { AnyDirectory, Node } from './node.ts'
import type { Place } from './tree.ts'

const NANOSECONDS = 1_000_000_000n

/** wasi:filesystem path-flags `symlink-follow`. */
const SYMLINK_FOLLOW = 1

/** Discriminants of wasi:filesystem descriptor-type. */
export const DESCRIPTOR_TYPES: Readonly<Record<Node['type'], number>> = { directory: 3, link: 5, file: 6 }

/**
 * Stores `result<T, error-code>` at `result`, an area of `size` bytes whose payload starts at `align`. `run` does the work and
 * gives what stores T, or nothing when T is nothing. Its refusals become the error-code.
 */
export function attempt(
  memory: GuestMemory,
  result: number,
  size: number,
  align: 1 | 4 | 8,
  run: () => ((area: Area) => void) | undefined,
): void {
  try {
    const store = run()
    const area = memory.area(result, size, align)
    area.u8(0, 0)
    store?.(area)
  } catch (error) {
    if (!(error instanceof FilesystemError)) throw error
    const area = memory.area(result, size, align)
    area.u8(0, 1)
    area.u8(align, FILESYSTEM_ERROR_CODES.indexOf(error.code))
  }
}

/** result<_, error-code> */
export function attemptTo(memory: GuestMemory, result: number, run: () => void): void {
  attempt(memory, result, 2, 1, () => {
    run()
    return undefined
  })
}

/** Where `path` leads from `directory`, with path-flags. */
export function lookUp(host: Host, directory: AnyDirectory, flags: number, path: string): Place {
  return host.tree.walk(directory, path, (flags & SYMLINK_FOLLOW) !== 0)
}

/** The same for a node that must exist. */
export function lookUpNode(host: Host, directory: AnyDirectory, flags: number, path: string): Node {
  return lookUp(host, directory, flags, path).node ?? absent()
}

function absent(): never {
  throw new FilesystemError('no-entry')
}

function nodeSize(node: Node): number {
  return node.type === 'file' ? node.size : node.type === 'link' ? node.target.length : 0
}

/** descriptor-stat at offset 8 of result<descriptor-stat, error-code>. */
export function putStat(area: Area, node: Node): void {
  area.u8(8, DESCRIPTOR_TYPES[node.type])
  area.u64(16, BigInt(node.links))
  area.u64(24, BigInt(nodeSize(node)))
  const times = [node.accessed, node.modified, node.changed]
  for (const [index, time] of times.entries()) {
    const at = 32 + index * 24
    area.u8(at, 1)
    area.u64(at + 8, time / NANOSECONDS)
    area.u32(at + 16, Number(time % NANOSECONDS))
  }
}

/** metadata-hash-value at offset 8: the node's identity and what a change of it would show in. */
export function putMetadataHash(area: Area, node: Node): void {
  area.u64(8, BigInt(node.id))
  area.u64(16, node.modified ^ (BigInt(nodeSize(node)) << 40n))
}

/** A flattened new-timestamp: the time to set, or undefined for no change. */
export function newTimestamp(host: Host, kind: number, seconds: bigint, nanoseconds: number): bigint | undefined {
  switch (kind >>> 0) {
    case 0:
      return undefined
    case 1:
      return host.wallClock()
    case 2:
      if (nanoseconds >>> 0 >= Number(NANOSECONDS)) throw new FilesystemError('invalid')
      return BigInt.asUintN(64, BigInt.asUintN(64, seconds) * NANOSECONDS + BigInt(nanoseconds >>> 0))
    default:
      return trap(`new-timestamp discriminant ${kind >>> 0}`)
  }
}

/** A u64 offset or size; refuses what no file here can have. */
export function fileOffset(offset: bigint): number {
  const unsigned = BigInt.asUintN(64, offset)
  if (unsigned > BigInt(Number.MAX_SAFE_INTEGER) / 2n) throw new FilesystemError('file-too-large')
  return Number(unsigned)
}
