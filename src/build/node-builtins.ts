import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'rolldown'

const own = (file: string): string => fileURLToPath(new URL(`../../guest-sdk/node/${file}`, import.meta.url))

/** Used by `fs` and `fs/promises` alike. */
const FILESYSTEM = own('files.ts')

const jco = (name: string): string =>
  fileURLToPath(import.meta.resolve(`@bytecodealliance/jco-std/wasi/0.2.x/node/24.x.x/${name}`))

const unenv = (name: string): string => fileURLToPath(import.meta.resolve(`unenv/node/${name}`))

/** The modules of Node.js that functions may import, with and without `node:`; each has a default export that is the module. */
const MODULES: Readonly<Record<string, () => string>> = {
  assert: () => jco('assert'),
  'assert/strict': () => own('assert-strict.ts'),
  buffer: () => own('buffer.ts'),
  crypto: () => own('crypto.ts'),
  events: () => own('events.ts'),
  fs: () => own('fs.ts'),
  'fs/promises': () => own('fs-promises.ts'),
  path: () => own('path.ts'),
  'path/posix': () => own('path-posix.ts'),
  process: () => own('process.ts'),
  querystring: () => unenv('querystring'),
  string_decoder: () => jco('string-decoder'),
  timers: () => jco('timers'),
  'timers/promises': () => jco('timers/promises'),
  url: () => unenv('url'),
  util: () => jco('util'),
  'util/types': () => jco('util/types'),
}

export const NODE_MODULES: readonly string[] = Object.keys(MODULES)

/** Whether a module that a bundle was made of is what reads files: the host need not bring any where it is not. */
export const isFilesystemModule = (path: string): boolean => path === FILESYSTEM

/** What only the stand-ins themselves import. */
const INTERNAL: Readonly<Record<string, () => string>> = {
  async_hooks: () => unenv('async_hooks'),
}

const OF_STAND_INS = /[\\/]node_modules[\\/](?:unenv|@bytecodealliance[\\/]jco-std)[\\/]/

/** The text for an import that is none of {@link NODE_MODULES}; undefined when it is no module of Node.js at all. */
export const explainNodeModule = (specifier: string): string | undefined =>
  specifier.startsWith('node:') || isBuiltin(specifier)
    ? `'${specifier}' is not one of the modules of Node.js that functions have, which are: ${NODE_MODULES.join(', ')}`
    : undefined

/** CommonJS around a module: `require` gives its default export, which for `events` is a class. */
const REQUIRED = '\0ampoule:require:'

/** A module that functions do not have, and that a package asks for in CommonJS, where it may catch the error. */
const ABSENT = '\0ampoule:absent:'

/**
 * Resolves the modules of Node.js to their stand-ins. What is not supported stays unresolved: the bundler then says who imports it. An
 * installed package of the same name (`buffer`, `events`) goes before a module without `node:`.
 */
export function nodeBuiltins(): Plugin {
  return {
    name: 'ampoule:node-builtins',
    async resolveId(id, importer, { kind }) {
      if (id.startsWith(REQUIRED) || id.startsWith(ABSENT)) return id
      const name = id.replace(/^node:/, '')
      if (importer !== undefined && OF_STAND_INS.test(importer)) {
        const internal = MODULES[name] ?? INTERNAL[name]
        if (internal !== undefined) return internal()
        // For `matchesGlob` only, and as large as all the rest.
        if (id === 'minimatch') return ABSENT + id
      }
      if (!Object.hasOwn(MODULES, name)) {
        const mayFail = kind === 'require-call' && /[\\/]node_modules[\\/]/.test(importer ?? '')
        if (!mayFail || explainNodeModule(id) === undefined) return null
        return (await this.resolve(id, importer, { skipSelf: true, kind })) ?? ABSENT + id
      }
      if (name === id) {
        const installed = await this.resolve(id, importer, { skipSelf: true, kind })
        if (installed !== null && installed.external === false) return installed
      }
      return kind === 'require-call' ? REQUIRED + name : (MODULES[name]?.() ?? null)
    },
    load(id) {
      if (id.startsWith(REQUIRED)) {
        return `module.exports = require(${JSON.stringify(MODULES[id.slice(REQUIRED.length)]?.())}).default`
      }
      if (!id.startsWith(ABSENT)) return null
      const specifier = id.slice(ABSENT.length)
      const message = JSON.stringify(`Cannot find module '${specifier}': ${explainNodeModule(specifier) ?? ''}`)
      return `throw Object.assign(new Error(${message}), { code: 'MODULE_NOT_FOUND' })`
    },
  }
}
