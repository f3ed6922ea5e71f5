/**
 * Files as `node:fs` has them, over wasi:filesystem: /tmp, which each invocation finds empty (or as it was before the snapshot), and what
 * can only be read: the function's own files in /var/task and those of its layers in /opt. Everything is synchronous: it is in memory.
 */
import { offeredFiles } from '../runtime/directories.ts'
import { SystemError } from './system-error.ts'

const { Buffer } = globalThis

export interface Stat {
  readonly type: 'directory' | 'regular-file' | 'symbolic-link'
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
  readonly changed: number
  readonly accessed: number
}

interface Time {
  readonly seconds: number | bigint
  readonly nanoseconds: number
}

/** wasi:filesystem/types descriptor. Methods throw with the error-code as `payload`; u64 are numbers or bigints by the engine. */
interface Descriptor {
  read(length: unknown, offset: unknown): [bytes: Uint8Array, end: boolean]
  write(bytes: Uint8Array, offset: unknown): number | bigint
  readDirectory(): { readDirectoryEntry(): { type: Stat['type']; name: string } | undefined | null } & Droppable
  createDirectoryAt(path: string): void
  statAt(
    flags: { symlinkFollow?: boolean },
    path: string,
  ): {
    type: Stat['type']
    size: number | bigint
    dataModificationTimestamp?: Time
    statusChangeTimestamp?: Time
    dataAccessTimestamp?: Time
  }
  openAt(
    flags: { symlinkFollow?: boolean },
    path: string,
    open: { create?: boolean; directory?: boolean; exclusive?: boolean; truncate?: boolean },
    access: { read?: boolean; write?: boolean },
  ): Descriptor & Droppable
  removeDirectoryAt(path: string): void
  renameAt(path: string, to: Descriptor, newPath: string): void
  unlinkFileAt(path: string): void
}

type Droppable = { [Symbol.dispose]?(): void }

type Directories = readonly (readonly [descriptor: Descriptor, path: string])[]

let known: Directories | undefined

/** Part of the snapshot when the top level reads files. */
function directories(): Directories {
  known ??= (offeredFiles()?.getDirectories() ?? []) as Directories
  return known
}

const u64 = (value: number): unknown => offeredFiles()?.u64(value)

export type PathLike = string | URL | Uint8Array

/** Absolute, without `.`, `..` and double slashes. */
export function absolute(path: PathLike): string {
  const text = typeof path === 'string' ? path : path instanceof URL ? ofUrl(path) : Buffer.from(path).toString()
  if (text.includes('\0')) throw new TypeError("The argument 'path' must not contain null bytes")
  const names: string[] = []
  for (const name of (text.startsWith('/') ? text : `${process.cwd()}/${text}`).split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

function ofUrl(url: URL): string {
  if (url.protocol !== 'file:') throw new TypeError('The URL must be of scheme file')
  return decodeURIComponent(url.pathname)
}

interface Place {
  readonly base: Descriptor
  readonly path: string
}

function placeOf(path: string): Place {
  for (const [base, root] of directories()) {
    if (path === root) return { base, path: '.' }
    if (path.startsWith(`${root}/`)) return { base, path: path.slice(root.length + 1) }
  }
  throw new NoSuchPlace()
}

class NoSuchPlace extends Error {}

/** Runs what may fail; errors are as those of Node.js. */
function attempt<T>(syscall: string, paths: readonly string[], run: (...places: Place[]) => T): T {
  try {
    return run(...paths.map(placeOf))
  } catch (error) {
    const { payload } = error as { payload?: unknown }
    if (error instanceof NoSuchPlace) throw new SystemError('no-entry', syscall, paths)
    if (typeof payload === 'string') throw new SystemError(payload, syscall, paths)
    throw error
  }
}

function dropping<T extends Droppable, R>(resource: T, use: (resource: T) => R): R {
  try {
    return use(resource)
  } finally {
    resource[Symbol.dispose]?.()
  }
}

const FOLLOW = { symlinkFollow: true }

export function stat(given: PathLike, follow = true): Stat {
  const full = absolute(given)
  return attempt(follow ? 'stat' : 'lstat', [full], ({ base, path }) => {
    const found = base.statAt(follow ? FOLLOW : {}, path)
    const ms = (time: Time | undefined): number =>
      time === undefined ? 0 : Number(time.seconds) * 1000 + time.nanoseconds / 1_000_000
    return {
      type: found.type,
      size: Number(found.size),
      modified: ms(found.dataModificationTimestamp),
      changed: ms(found.statusChangeTimestamp),
      accessed: ms(found.dataAccessTimestamp),
    }
  })
}

/** At once; a read gives at most what the host has of the file in one piece. */
const PIECE = 1024 * 1024

export function read(given: PathLike): Buffer {
  const full = absolute(given)
  return attempt('open', [full], ({ base, path }) =>
    dropping(base.openAt(FOLLOW, path, {}, { read: true }), (file) => {
      const pieces: Uint8Array[] = []
      for (let at = 0; ;) {
        const [bytes, end] = file.read(u64(PIECE), u64(at))
        if (bytes.length > 0) pieces.push(bytes)
        at += bytes.length
        if (end || bytes.length === 0) break
      }
      const [only] = pieces
      return pieces.length === 1 && only !== undefined ? Buffer.from(only) : Buffer.concat(pieces)
    }),
  )
}

export type WriteFlag = 'w' | 'wx' | 'a' | 'ax'

export function write(given: PathLike, bytes: Uint8Array, flag: WriteFlag): void {
  const full = absolute(given)
  attempt('open', [full], ({ base, path }) => {
    const appends = flag.startsWith('a')
    const open = { create: true, exclusive: flag.endsWith('x'), truncate: !appends }
    dropping(base.openAt(FOLLOW, path, open, { read: true, write: true }), (file) => {
      const start = appends ? Number(base.statAt(FOLLOW, path).size) : 0
      for (let at = 0; at < bytes.length;) at += Number(file.write(bytes.subarray(at, at + PIECE), u64(start + at)))
    })
  })
}

export function list(given: PathLike): { readonly name: string; readonly type: Stat['type'] }[] {
  const full = absolute(given)
  return attempt('scandir', [full], ({ base, path }) =>
    dropping(base.openAt(FOLLOW, path, { directory: true }, { read: true }), (folder) =>
      dropping(folder.readDirectory(), (entries) => {
        const found: { name: string; type: Stat['type'] }[] = []
        for (let entry = entries.readDirectoryEntry(); entry; entry = entries.readDirectoryEntry()) found.push(entry)
        return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      }),
    ),
  )
}

export const makeFolder = (given: PathLike): void => {
  const full = absolute(given)
  // The folder itself of what is there from the beginning.
  if (directories().some(([, root]) => root === full)) throw new SystemError('exist', 'mkdir', [full])
  attempt('mkdir', [full], ({ base, path }) => base.createDirectoryAt(path))
}

export const removeFolder = (given: PathLike): void =>
  attempt('rmdir', [absolute(given)], ({ base, path }) => base.removeDirectoryAt(path))

export const removeFile = (given: PathLike): void =>
  attempt('unlink', [absolute(given)], ({ base, path }) => base.unlinkFileAt(path))

export const move = (from: PathLike, to: PathLike): void =>
  attempt('rename', [absolute(from), absolute(to)], (source, target) => {
    if (source !== undefined && target !== undefined) source.base.renameAt(source.path, target.base, target.path)
  })
