/** By wasi:filesystem's error-code: Node's code, Linux's number, and its words. */
const KNOWN: Readonly<Record<string, readonly [code: string, errno: number, text: string]>> = {
  access: ['EACCES', -13, 'permission denied'],
  'bad-descriptor': ['EBADF', -9, 'bad file descriptor'],
  busy: ['EBUSY', -16, 'resource busy or locked'],
  'cross-device': ['EXDEV', -18, 'cross-device link not permitted'],
  exist: ['EEXIST', -17, 'file already exists'],
  'file-too-large': ['EFBIG', -27, 'file too large'],
  'insufficient-space': ['ENOSPC', -28, 'no space left on device'],
  invalid: ['EINVAL', -22, 'invalid argument'],
  'is-directory': ['EISDIR', -21, 'illegal operation on a directory'],
  loop: ['ELOOP', -40, 'too many symbolic links encountered'],
  'name-too-long': ['ENAMETOOLONG', -36, 'name too long'],
  'no-entry': ['ENOENT', -2, 'no such file or directory'],
  'not-directory': ['ENOTDIR', -20, 'not a directory'],
  'not-empty': ['ENOTEMPTY', -39, 'directory not empty'],
  'not-permitted': ['EPERM', -1, 'operation not permitted'],
  'read-only': ['EROFS', -30, 'read-only file system'],
}

/** What Node.js throws when the system refuses. */
export class SystemError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path: string | undefined
  readonly dest?: string

  constructor(reason: string, syscall: string, [path, dest]: readonly string[]) {
    const [code, errno, text] = KNOWN[reason] ?? ['EIO', -5, 'i/o error']
    super(`${code}: ${text}, ${syscall}${path === undefined ? '' : ` '${path}'`}${dest === undefined ? '' : ` -> '${dest}'`}`)
    this.code = code
    this.errno = errno
    this.syscall = syscall
    this.path = path
    if (dest !== undefined) this.dest = dest
  }
}
