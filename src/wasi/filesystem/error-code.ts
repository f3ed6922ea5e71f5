/** wasi:filesystem/types error-code, in the order of its discriminants. */
export const FILESYSTEM_ERROR_CODES = [
  ...(['access', 'would-block', 'already', 'bad-descriptor', 'busy', 'deadlock', 'quota', 'exist', 'file-too-large'] as const),
  ...([
    'illegal-byte-sequence',
    'in-progress',
    'interrupted',
    'invalid',
    'io',
    'is-directory',
    'loop',
    'too-many-links',
  ] as const),
  ...([
    'message-size',
    'name-too-long',
    'no-device',
    'no-entry',
    'no-lock',
    'insufficient-memory',
    'insufficient-space',
  ] as const),
  ...(['not-directory', 'not-empty', 'not-recoverable', 'unsupported', 'no-tty', 'no-such-device', 'overflow'] as const),
  ...(['not-permitted', 'pipe', 'read-only', 'invalid-seek', 'text-file-busy', 'cross-device'] as const),
]
export type FilesystemErrorCode = (typeof FILESYSTEM_ERROR_CODES)[number]

/** How operations on /tmp refuse; the functions turn it into the result's error-code. */
export class FilesystemError extends Error {
  override readonly name = 'FilesystemError'
  readonly code: FilesystemErrorCode

  constructor(code: FilesystemErrorCode) {
    super(code)
    this.code = code
  }
}

export function refuse(code: FilesystemErrorCode): never {
  throw new FilesystemError(code)
}
