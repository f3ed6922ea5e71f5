/** `node:fs/promises`: what `node:fs` does at once, as promises. */
import * as sync from './fs-sync.ts'

const later =
  <Arguments extends unknown[], Result>(run: (...args: Arguments) => Result) =>
  async (...args: Arguments): Promise<Awaited<Result>> =>
    await run(...args)

export { constants } from './fs-sync.ts'
export const access = later(sync.accessSync)
export const appendFile = later(sync.appendFileSync)
export const copyFile = later(sync.copyFileSync)
export const lstat = later(sync.lstatSync)
export const mkdir = later(sync.mkdirSync)
export const mkdtemp = later(sync.mkdtempSync)
export const readdir = later(sync.readdirSync)
export const readFile = later(sync.readFileSync)
export const realpath = later(sync.realpathSync)
export const rename = later(sync.renameSync)
export const rm = later(sync.rmSync)
export const rmdir = later(sync.rmdirSync)
export const stat = later(sync.statSync)
export const unlink = later(sync.unlinkSync)
export const writeFile = later(sync.writeFileSync)

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default {
  access,
  appendFile,
  constants: sync.constants,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
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
