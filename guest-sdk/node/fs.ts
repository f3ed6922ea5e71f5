/** `node:fs`: whole files and folders. There are no file descriptors, streams, links, times and watchers. */
import promises from './fs-promises.ts'
import * as sync from './fs-sync.ts'

type Callback = (error: unknown, value?: unknown) => void

/** The form with a callback, which comes last. */
const called =
  (run: (...args: never[]) => Promise<unknown>) =>
  (...args: unknown[]): void => {
    const callback = args.pop()
    if (typeof callback !== 'function') throw new TypeError('The "cb" argument must be of type function')
    const done = callback as Callback
    run(...(args as never[])).then(
      (value) => queueMicrotask(() => done(null, value)),
      (error: unknown) => queueMicrotask(() => done(error)),
    )
  }

export * from './fs-sync.ts'
export { promises }
export const access = called(promises.access)
export const appendFile = called(promises.appendFile)
export const copyFile = called(promises.copyFile)
export const lstat = called(promises.lstat)
export const mkdir = called(promises.mkdir)
export const mkdtemp = called(promises.mkdtemp)
export const readdir = called(promises.readdir)
export const readFile = called(promises.readFile)
export const realpath = called(promises.realpath)
export const rename = called(promises.rename)
export const rm = called(promises.rm)
export const rmdir = called(promises.rmdir)
export const stat = called(promises.stat)
export const unlink = called(promises.unlink)
export const writeFile = called(promises.writeFile)

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default {
  ...sync,
  access,
  appendFile,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  promises,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  writeFile,
}
