import type { Host } from '../host.ts'
import { plain, type HostFunction } from '../interface.ts'
import { DESCRIPTOR, Descriptor, MUTATE_DIRECTORY, READ, WRITE } from './descriptor.ts'
import { refuse } from './error-code.ts'
import { isMounted, ownFile, ownNode, type AnyDirectory, type AnyFile, type FileNode } from './node.ts'
import { attempt, attemptTo, lookUp, lookUpNode, newTimestamp, putMetadataHash, putStat } from './results.ts'
import type { Place } from './tree.ts'

/** wasi:filesystem open-flags. */
const CREATE = 1
const DIRECTORY = 2
const EXCLUSIVE = 4
const TRUNCATE = 8

function openPlace(host: Host, base: Descriptor, pathFlags: number, path: string, openFlags: number, flags: number): number {
  const writes = (openFlags & (CREATE | TRUNCATE)) !== 0 || (flags & (WRITE | MUTATE_DIRECTORY)) !== 0
  if (isMounted(base.node) && ((openFlags & (CREATE | TRUNCATE)) !== 0 || (flags & WRITE) !== 0)) refuse('read-only')
  const directory = writes && (openFlags & DIRECTORY) === 0 ? base.mutableDirectory() : base.directory()
  if ((openFlags & DIRECTORY) !== 0 && (openFlags & (CREATE | EXCLUSIVE | TRUNCATE)) !== 0) refuse('invalid')
  const exclusive = (openFlags & CREATE) !== 0 && (openFlags & EXCLUSIVE) !== 0
  const place = lookUp(host, directory, exclusive ? 0 : pathFlags, path)
  if (exclusive && place.node !== undefined) refuse('exist')
  const node = place.node === undefined && (openFlags & CREATE) !== 0 ? createFile(host, place) : place.node
  if (node === undefined) return refuse('no-entry')
  if (node.type === 'link') return refuse('loop')
  if (node.type === 'directory') return openDirectory(host, base, node, openFlags, flags)
  if ((openFlags & DIRECTORY) !== 0) refuse('not-directory')
  return openFile(host, node, openFlags, flags)
}

function createFile(host: Host, place: Place): FileNode {
  return place.mustBeDirectory ? refuse('is-directory') : host.tree.newFile(place)
}

function openDirectory(host: Host, base: Descriptor, node: AnyDirectory, openFlags: number, flags: number): number {
  if ((openFlags & (CREATE | TRUNCATE)) !== 0 || (flags & WRITE) !== 0) refuse('is-directory')
  return host.table.add(new Descriptor(node, READ | (base.flags & MUTATE_DIRECTORY), host))
}

function openFile(host: Host, node: AnyFile, openFlags: number, flags: number): number {
  if ((openFlags & TRUNCATE) !== 0) host.tree.resize(ownFile(node), 0)
  const granted = flags & (READ | WRITE)
  return host.table.add(new Descriptor(node, granted === 0 ? READ : granted, host))
}

function rename(host: Host, from: Place, to: Place): void {
  const node = ownNode(from.node ?? refuse('no-entry'))
  if (from.name === '' || to.name === '') refuse('busy')
  const target = to.node
  if (target === node) return
  if (node.type === 'directory') {
    if (host.tree.contains(node, to.directory)) refuse('invalid')
    if (target !== undefined && target.type !== 'directory') refuse('not-directory')
  } else {
    if (to.mustBeDirectory) refuse('not-directory')
    if (target?.type === 'directory') refuse('is-directory')
  }
  if (target?.type === 'directory' && target.entries.size > 0) refuse('not-empty')
  if (target !== undefined) host.tree.unlink(to)
  host.tree.link(to, node)
  host.tree.unlink(from)
}

/** Methods of wasi:filesystem/types descriptor that work on a path under it. */
export const pathFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]descriptor.create-directory-at': plain(
    (host, memory) => (self: number, pointer: number, length: number, result: number) => {
      const base = host.table.get(self, DESCRIPTOR)
      const path = memory.string(pointer, length)
      attemptTo(memory, result, () => {
        const place = lookUp(host, base.mutableDirectory(), 0, path)
        if (place.node !== undefined) refuse('exist')
        host.tree.newDirectory(place)
      })
    },
  ),
  '[method]descriptor.stat-at': plain(
    (host, memory) => (self: number, flags: number, pointer: number, length: number, result: number) => {
      const base = host.table.get(self, DESCRIPTOR)
      const path = memory.string(pointer, length)
      attempt(memory, result, 104, 8, () => {
        const node = lookUpNode(host, base.directory(), flags, path)
        return (area) => putStat(area, node)
      })
    },
  ),
  '[method]descriptor.set-times-at': plain(
    (host, memory) =>
      (
        ...[self, flags, pointer, length, aKind, aSeconds, aNanos, mKind, mSeconds, mNanos, result]: [
          ...[self: number, flags: number, pointer: number, length: number],
          ...[aKind: number, aSeconds: bigint, aNanos: number, mKind: number, mSeconds: bigint, mNanos: number, result: number],
        ]
      ) => {
        const base = host.table.get(self, DESCRIPTOR)
        const path = memory.string(pointer, length)
        attemptTo(memory, result, () => {
          const node = lookUpNode(host, base.mutableDirectory(), flags, path)
          const accessed = newTimestamp(host, aKind, aSeconds, aNanos)
          host.tree.setTimes(node, accessed, newTimestamp(host, mKind, mSeconds, mNanos))
        })
      },
  ),
  '[method]descriptor.link-at': plain(
    (host, memory) =>
      (
        self: number,
        flags: number,
        oldPointer: number,
        oldLength: number,
        target: number,
        pointer: number,
        length: number,
        result: number,
      ) => {
        const base = host.table.get(self, DESCRIPTOR)
        const other = host.table.get(target, DESCRIPTOR)
        const oldPath = memory.string(oldPointer, oldLength)
        const path = memory.string(pointer, length)
        attemptTo(memory, result, () => {
          const node = ownNode(lookUpNode(host, base.mutableDirectory(), flags, oldPath))
          if (node.type === 'directory') refuse('not-permitted')
          const place = lookUp(host, other.mutableDirectory(), 0, path)
          if (place.node !== undefined) refuse('exist')
          if (place.mustBeDirectory) refuse('no-entry')
          host.tree.link(place, node)
        })
      },
  ),
  '[method]descriptor.open-at': plain(
    (host, memory) =>
      (self: number, pathFlags: number, pointer: number, length: number, openFlags: number, flags: number, result: number) => {
        const base = host.table.get(self, DESCRIPTOR)
        const path = memory.string(pointer, length)
        attempt(memory, result, 8, 4, () => {
          const handle = openPlace(host, base, pathFlags, path, openFlags, flags)
          return (area) => area.u32(4, handle)
        })
      },
  ),
  '[method]descriptor.readlink-at': plain((host, memory) => (self: number, pointer: number, length: number, result: number) => {
    const base = host.table.get(self, DESCRIPTOR)
    const path = memory.string(pointer, length)
    attempt(memory, result, 12, 4, () => {
      const node = lookUpNode(host, base.directory(), 0, path)
      if (node.type !== 'link') return refuse('invalid')
      memory.putString(result + 4, node.target)
      return undefined
    })
  }),
  '[method]descriptor.remove-directory-at': plain(
    (host, memory) => (self: number, pointer: number, length: number, result: number) => {
      const base = host.table.get(self, DESCRIPTOR)
      const path = memory.string(pointer, length)
      attemptTo(memory, result, () => {
        const place = lookUp(host, base.mutableDirectory(), 0, path)
        const node = place.node ?? refuse('no-entry')
        if (node.type !== 'directory') refuse('not-directory')
        else if (place.name === '') refuse('invalid')
        else if (node.entries.size > 0) refuse('not-empty')
        host.tree.unlink(place)
      })
    },
  ),
  '[method]descriptor.rename-at': plain(
    (host, memory) =>
      (self: number, oldPointer: number, oldLength: number, target: number, pointer: number, length: number, result: number) => {
        const base = host.table.get(self, DESCRIPTOR)
        const other = host.table.get(target, DESCRIPTOR)
        const oldPath = memory.string(oldPointer, oldLength)
        const path = memory.string(pointer, length)
        attemptTo(memory, result, () => {
          rename(host, lookUp(host, base.mutableDirectory(), 0, oldPath), lookUp(host, other.mutableDirectory(), 0, path))
        })
      },
  ),
  '[method]descriptor.symlink-at': plain(
    (host, memory) => (self: number, oldPointer: number, oldLength: number, pointer: number, length: number, result: number) => {
      const base = host.table.get(self, DESCRIPTOR)
      const target = memory.string(oldPointer, oldLength)
      const path = memory.string(pointer, length)
      attemptTo(memory, result, () => {
        const place = lookUp(host, base.mutableDirectory(), 0, path)
        if (place.node !== undefined) refuse('exist')
        if (place.mustBeDirectory) refuse('no-entry')
        host.tree.newLink(place, target)
      })
    },
  ),
  '[method]descriptor.unlink-file-at': plain(
    (host, memory) => (self: number, pointer: number, length: number, result: number) => {
      const base = host.table.get(self, DESCRIPTOR)
      const path = memory.string(pointer, length)
      attemptTo(memory, result, () => {
        const place = lookUp(host, base.mutableDirectory(), 0, path)
        if (place.node?.type === 'directory') refuse('is-directory')
        host.tree.unlink(place)
      })
    },
  ),
  '[method]descriptor.metadata-hash-at': plain(
    (host, memory) => (self: number, flags: number, pointer: number, length: number, result: number) => {
      const base = host.table.get(self, DESCRIPTOR)
      const path = memory.string(pointer, length)
      attempt(memory, result, 24, 8, () => {
        const node = lookUpNode(host, base.directory(), flags, path)
        return (area) => putMetadataHash(area, node)
      })
    },
  ),
}
