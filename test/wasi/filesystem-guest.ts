import { FILESYSTEM_ERROR_CODES } from '../../src/wasi/filesystem/error-code.ts'
import { Guest, RESULT, type CoreValue, type TestEnvironment } from './driver.ts'

const FILES = 'wasi:filesystem/types'

export const READ = 1
export const WRITE = 2
export const CREATE = 1
export const DIRECTORY = 2
export const EXCLUSIVE = 4
export const TRUNCATE = 8

/** What a program does with files. Every method gives the error-code's name when the operation is refused. */
export class FilesystemGuest extends Guest {
  readonly tmp: number
  /** Descriptors of everything that it was given, by path. */
  readonly directories: ReadonlyMap<string, number>

  constructor(environment?: TestEnvironment) {
    super(environment)
    this.directories = this.preopens()
    const tmp = this.directories.get('/tmp')
    if (tmp === undefined || this.directories.size !== 1 + this.environment.mounts.length) throw new Error('other preopens')
    this.tmp = tmp
  }

  preopens(): Map<string, number> {
    const view = this.result('wasi:filesystem/preopens#get-directories')
    const [pointer, length] = [view.getUint32(0, true), view.getUint32(4, true)]
    return new Map(
      Array.from({ length }, (_, index) => {
        const entry = pointer + index * 12
        return [this.textAt(entry + 4), this.view.getUint32(entry, true)]
      }),
    )
  }

  /** A method of `self` that may refuse; `payload` is where the result's payload lies. */
  try(name: string, payload: 1 | 4 | 8, self: number, ...args: CoreValue[]): string | undefined {
    const view = this.result(`${FILES}#[method]descriptor.${name}`, self, ...args)
    return view.getUint8(0) === 0 ? undefined : FILESYSTEM_ERROR_CODES[view.getUint8(payload)]
  }

  open(path: string, openFlags = 0, flags = READ | WRITE, base = this.tmp, follow = 1): number | string {
    return this.try('open-at', 4, base, follow, ...this.put(path), openFlags, flags) ?? this.resultView().getUint32(4, true)
  }

  /** The handle of what must open. */
  must(path: string, openFlags = 0, flags = READ | WRITE, base = this.tmp): number {
    const opened = this.open(path, openFlags, flags, base)
    if (typeof opened === 'string') throw new Error(`${path}: ${opened}`)
    return opened
  }

  mkdir(path: string, base = this.tmp): string | undefined {
    return this.try('create-directory-at', 1, base, ...this.put(path))
  }
  rmdir(path: string): string | undefined {
    return this.try('remove-directory-at', 1, this.tmp, ...this.put(path))
  }
  unlink(path: string): string | undefined {
    return this.try('unlink-file-at', 1, this.tmp, ...this.put(path))
  }
  rename(from: string, to: string): string | undefined {
    return this.try('rename-at', 1, this.tmp, ...this.put(from), this.tmp, ...this.put(to))
  }
  symlink(target: string, path: string): string | undefined {
    return this.try('symlink-at', 1, this.tmp, ...this.put(target), ...this.put(path))
  }
  link(from: string, to: string): string | undefined {
    return this.try('link-at', 1, this.tmp, 0, ...this.put(from), this.tmp, ...this.put(to))
  }
  readlink(path: string): string {
    return this.try('readlink-at', 4, this.tmp, ...this.put(path)) ?? this.textAt(RESULT + 4)
  }
  write(file: number, text: string | Uint8Array, offset = 0n): string | undefined {
    return this.try('write', 8, file, ...this.put(text), offset)
  }
  /** Text and whether the end was reached. */
  read(file: number, length = 1000n, offset = 0n): readonly [string, boolean] | string {
    return this.try('read', 4, file, length, offset) ?? [this.textAt(RESULT + 4), this.resultView().getUint8(12) === 1]
  }
  setSize(file: number, size: bigint): string | undefined {
    return this.try('set-size', 1, file, size)
  }
  /** Type, links, size, modification time in ns. */
  stat(path: string, follow = 1): { type: number; links: bigint; size: bigint; modified: bigint } | string {
    const error = this.try('stat-at', 8, this.tmp, follow, ...this.put(path))
    if (error !== undefined) return error
    const view = this.resultView()
    const modified = view.getBigUint64(64, true) * 1_000_000_000n + BigInt(view.getUint32(72, true))
    return { type: view.getUint8(8), links: view.getBigUint64(16, true), size: view.getBigUint64(24, true), modified }
  }
  list(path = '.'): string[] {
    const directory = path === '.' ? this.tmp : this.must(path, DIRECTORY, READ)
    const entries = this.owned(`${FILES}#[method]descriptor.read-directory`, directory)
    const names: string[] = []
    for (;;) {
      const view = this.result(`${FILES}#[method]directory-entry-stream.read-directory-entry`, entries)
      if (view.getUint8(0) !== 0 || view.getUint8(4) === 0) break
      names.push(`${view.getUint8(8)}:${this.textAt(RESULT + 12)}`)
    }
    this.call(`${FILES}#[drop]directory-entry-stream`, entries)
    return names
  }
  hash(path: string): string {
    const error = this.try('metadata-hash-at', 8, this.tmp, 1, ...this.put(path))
    return error ?? `${this.resultView().getBigUint64(8, true)}-${this.resultView().getBigUint64(16, true)}`
  }
  closeAll(...descriptors: number[]): void {
    for (const descriptor of descriptors) this.call(`${FILES}#[drop]descriptor`, descriptor)
  }
}
