/** `node:path`, by jco-std, without `matchesGlob`. Relative paths begin where `process.cwd()` says. */
import { createPath } from '@bytecodealliance/jco-std/wasi/0.2.x/node/24.x.x/path'

const path = createPath({ initialCwd: () => process.cwd(), getEnvironment: () => [] })

export const { basename, delimiter, dirname, extname, format, isAbsolute, join, normalize, parse, posix } = path
export const { relative, resolve, sep, toNamespacedPath, win32 } = path

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default path
