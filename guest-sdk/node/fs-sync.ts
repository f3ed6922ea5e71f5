/** The synchronous half of `node:fs`, of which the other two are made. */
import * as files from './files.ts'
import type { PathLike, Stat, WriteFlag } from './files.ts'
import { SystemError } from './system-error.ts'

const { Buffer } = globalThis

export const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, COPYFILE_EXCL: 1 } as const

type Encoding = BufferEncoding | 'buffer'
type Options<T> = (Partial<T> & { encoding?: Encoding | null }) | Encoding | null

/** Options may be the name of an encoding. */
const optionsOf = <T>(given: Options<T> | undefined): Partial<T> & { encoding?: Encoding | null } =>
  typeof given === 'string' ? ({ encoding: given } as Partial<T> & { encoding: Encoding }) : (given ?? {})

abstract class Typed {
  abstract readonly kind: Stat['type']
  isFile(): boolean {
    return this.kind === 'regular-file'
  }
  isDirectory(): boolean {
    return this.kind === 'directory'
  }
  isSymbolicLink(): boolean {
    return this.kind === 'symbolic-link'
  }
  isFIFO(): boolean {
    return false
  }
  isSocket(): boolean {
    return false
  }
  isBlockDevice(): boolean {
    return false
  }
  isCharacterDevice(): boolean {
    return false
  }
}

const MODES = { directory: 0o040755, 'regular-file': 0o100644, 'symbolic-link': 0o120777 } as const

export class Stats extends Typed {
  declare readonly kind: Stat['type']
  readonly size: number
  readonly mode: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly atimeMs: number
  readonly birthtimeMs: number
  readonly nlink = 1
  readonly uid = 0
  readonly gid = 0

  constructor({ type, size, modified, changed, accessed }: Stat) {
    super()
    Object.defineProperty(this, 'kind', { value: type })
    this.size = size
    this.mode = MODES[type]
    this.mtimeMs = modified
    this.ctimeMs = changed
    this.atimeMs = accessed
    this.birthtimeMs = changed
  }

  get mtime(): Date {
    return new Date(this.mtimeMs)
  }
  get ctime(): Date {
    return new Date(this.ctimeMs)
  }
  get atime(): Date {
    return new Date(this.atimeMs)
  }
  get birthtime(): Date {
    return new Date(this.birthtimeMs)
  }
}

export class Dirent extends Typed {
  declare readonly kind: Stat['type']
  readonly name: string
  readonly parentPath: string

  constructor(name: string, parentPath: string, kind: Stat['type']) {
    super()
    Object.defineProperty(this, 'kind', { value: kind })
    this.name = name
    this.parentPath = parentPath
  }
}

export function readFileSync(path: PathLike, options?: Options<{ flag: string }>): Buffer | string {
  const { encoding } = optionsOf(options)
  const bytes = files.read(path)
  return encoding === undefined || encoding === null || encoding === 'buffer' ? bytes : bytes.toString(encoding)
}

type Data = string | Uint8Array | DataView

const bytesOf = (data: Data, encoding: Encoding | null = 'utf8'): Uint8Array => {
  if (typeof data === 'string') return Buffer.from(data, encoding === 'buffer' || encoding === null ? 'utf8' : encoding)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  throw new TypeError('The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView')
}

const FLAGS: readonly string[] = ['w', 'wx', 'a', 'ax']

export function writeFileSync(path: PathLike, data: Data, options?: Options<{ flag: string }>): void {
  const { encoding, flag = 'w' } = optionsOf<{ flag: string }>(options)
  if (!FLAGS.includes(flag)) throw new TypeError(`The flag '${flag}' is not one of ${FLAGS.join(', ')}`)
  files.write(path, bytesOf(data, encoding ?? 'utf8'), flag as WriteFlag)
}

export function appendFileSync(path: PathLike, data: Data, options?: Options<{ flag: string }>): void {
  writeFileSync(path, data, { ...optionsOf<{ flag: string }>(options), flag: 'a' })
}

export function existsSync(path: PathLike): boolean {
  try {
    files.stat(path)
    return true
  } catch {
    return false
  }
}

export function accessSync(path: PathLike, mode: number = constants.F_OK): void {
  files.stat(path)
  const full = files.absolute(path)
  if ((mode & constants.W_OK) !== 0 && full !== '/tmp' && !full.startsWith('/tmp/'))
    throw new SystemError('read-only', 'access', [full])
}

type StatOptions = { readonly throwIfNoEntry?: boolean }

const statted = (path: PathLike, follow: boolean, { throwIfNoEntry = true }: StatOptions = {}): Stats | undefined => {
  try {
    return new Stats(files.stat(path, follow))
  } catch (error) {
    if (!throwIfNoEntry && error instanceof SystemError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    throw error
  }
}

export const statSync = (path: PathLike, options?: StatOptions): Stats | undefined => statted(path, true, options)
export const lstatSync = (path: PathLike, options?: StatOptions): Stats | undefined => statted(path, false, options)

export function readdirSync(
  path: PathLike,
  options?: Options<{ withFileTypes: boolean; recursive: boolean }>,
): string[] | Dirent[] {
  const { withFileTypes = false, recursive = false } = optionsOf<{ withFileTypes: boolean; recursive: boolean }>(options)
  const root = files.absolute(path)
  const entries: Dirent[] = []
  const visit = (folder: string): void => {
    for (const { name, type } of files.list(folder)) {
      entries.push(new Dirent(name, folder, type))
      if (recursive && type === 'directory') visit(`${folder}/${name}`)
    }
  }
  visit(root)
  return withFileTypes ? entries : entries.map(({ name, parentPath }) => `${parentPath}/${name}`.slice(root.length + 1))
}

/** The first folder that was made, where it makes several. */
export function mkdirSync(path: PathLike, options?: number | { readonly recursive?: boolean }): string | undefined {
  const full = files.absolute(path)
  if (typeof options !== 'object' || options.recursive !== true) {
    files.makeFolder(full)
    return undefined
  }
  const names = full.split('/').slice(1)
  let first: string | undefined
  for (let count = 1; count <= names.length; count++) {
    const folder = `/${names.slice(0, count).join('/')}`
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) continue
    // What is above the folders that there are cannot be seen, and is there.
    if (count < names.length && !/^\/(tmp|opt|var\/task)(\/|$)/.test(folder)) continue
    files.makeFolder(folder)
    first ??= folder
  }
  return first
}

export const rmdirSync = (path: PathLike): void => files.removeFolder(path)
export const unlinkSync = (path: PathLike): void => files.removeFile(path)
export const renameSync = (from: PathLike, to: PathLike): void => files.move(from, to)

export function rmSync(
  path: PathLike,
  { recursive = false, force = false }: { readonly recursive?: boolean; readonly force?: boolean } = {},
): void {
  const found = lstatSync(path, { throwIfNoEntry: !force })
  if (found === undefined) return
  if (!found.isDirectory()) return files.removeFile(path)
  const full = files.absolute(path)
  if (!recursive) throw new SystemError('is-directory', 'rm', [full])
  for (const { name } of files.list(full)) rmSync(`${full}/${name}`, { recursive })
  files.removeFolder(full)
}

export function copyFileSync(from: PathLike, to: PathLike, mode = 0): void {
  files.write(to, files.read(from), (mode & constants.COPYFILE_EXCL) === 0 ? 'w' : 'wx')
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export function mkdtempSync(prefix: string): string {
  const drawn = globalThis.crypto.getRandomValues(new Uint8Array(6))
  const path = prefix + Array.from(drawn, (byte) => LETTERS[byte % LETTERS.length]).join('')
  files.makeFolder(path)
  return path
}

/** There are no links but those of /tmp, which are not looked through. */
export function realpathSync(path: PathLike): string {
  files.stat(path)
  return files.absolute(path)
}
