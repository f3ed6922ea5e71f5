/** What engines have of wasi:filesystem, for `node:fs` (guest-sdk/node/files.ts). */
export interface Files {
  /** wasi:filesystem/preopens. */
  getDirectories(): unknown
  /** Engines differ in what a u64 is. */
  u64(value: number): unknown
}

const KEY = 'ampoule:files'

/** Scripts cannot import what engines import: they find it by a global. */
export function offerFiles(files: Files, target: object = globalThis): void {
  Object.defineProperty(target, Symbol.for(KEY), { value: files })
}

export const offeredFiles = (): Files | undefined => Reflect.get(globalThis, Symbol.for(KEY)) as Files | undefined
