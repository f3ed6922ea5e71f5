import type { BundleForm, JavaScriptEngine } from './contract.ts'

/** Modules that do not exist on disk. */
const ENTRY = '\0ampoule:entry'
const PRELUDE = '\0ampoule:prelude'
const STUBS = '\0ampoule:stubs'

const RUNTIME = new URL('../../guest-sdk/runtime/', import.meta.url)

const fromRuntime = (file: string): string => JSON.stringify(decodeURIComponent(new URL(file, RUNTIME).pathname))

/** Where bundling begins, and what is put around the result. */
export interface Entry {
  readonly input: string
  readonly modules: Readonly<Record<string, string>>
  readonly banner?: string
  readonly footer?: string
}

/** `path` is the author's module; nothing of it is in an engine. `stubs`: a module whose exports stand for what is granted, in a script. */
export function entryOf(path: string, engine: JavaScriptEngine, form: BundleForm, stubs?: string): Entry {
  switch (form) {
    case 'event':
      return { input: ENTRY, modules: { [ENTRY]: eventCode(path), [PRELUDE]: PRELUDES[engine] } }
    case 'engine':
      return { input: ENTRY, modules: { [ENTRY]: engineCode(EXPORTS[engine]), [PRELUDE]: PRELUDES[engine] } }
    case 'script':
      return {
        input: ENTRY,
        modules: { [ENTRY]: scriptCode(path, stubs), ...(stubs !== undefined && { [STUBS]: stubsCode(stubs) }) },
        banner: BANNERS[engine],
        footer: FOOTER,
      }
    case 'package':
    case 'wasi-http':
      return { input: path, modules: {} }
    default:
      return form satisfies never
  }
}

/** The prelude is evaluated before the author's module, which must not take hold of what it replaces. */
const eventCode = (path: string): string => `
import { runtime } from ${JSON.stringify(PRELUDE)}
import { createHandle } from ${fromRuntime('dispatch.ts')}
import * as module from ${JSON.stringify(path)}
export const handle = createHandle({ default: module.default, handler: module.handler }, runtime)
`

const engineCode = (exports: string): string => `
import { runtime } from ${JSON.stringify(PRELUDE)}
import { createLoader } from ${fromRuntime('load.ts')}
export const { ${exports} } = createLoader(runtime)
`

/** By the engines' worlds (guest-sdk/wit). In StarlingMonkey a WIT string costs more than all of JSON. */
const EXPORTS: Readonly<Record<JavaScriptEngine, string>> = {
  starlingmonkey: 'handle, load',
  quickjs: 'handle, load, exchange',
}

/** `handOver` is the parameter of the function that the banner begins (guest-sdk/runtime/load.ts). */
const scriptCode = (path: string, stubs: string | undefined): string => `${
  stubs === undefined
    ? ''
    : `
import ${JSON.stringify(STUBS)}`
}
import * as module from ${JSON.stringify(path)}
handOver({ default: module.default, handler: module.handler })
`

/** Evaluated before the author's module, which may take hold of what it replaces. */
const stubsCode = (path: string): string => `
import * as stubs from ${JSON.stringify(path)}
const { fetch } = stubs
if (fetch !== undefined) globalThis.fetch = async (input, init) => {
  const response = await fetch(new Request(input, init))
  if (response instanceof Response) return response
  throw new TypeError('the stub of fetch must return a Response')
}
`

/** Modules are strict and know no \`this\`. Only StarlingMonkey waits for what its own async functions return. */
const BANNERS: Readonly<Record<JavaScriptEngine, string>> = {
  starlingmonkey: '(async function (handOver) {\n"use strict";',
  quickjs: '(function (handOver) {\n"use strict";',
}

/** The name under which stacks show the script. */
const FOOTER = '})\n//# sourceURL=function.js'

const PRELUDES: Readonly<Record<JavaScriptEngine, string>> = {
  starlingmonkey: `
import { getEnvironment } from 'wasi:cli/environment@0.2.10'
import { getDirectories } from 'wasi:filesystem/preopens@0.2.10'
import { createRuntime } from ${fromRuntime('runtime.ts')}
import { createPlatform } from ${fromRuntime('starlingmonkey.ts')}
export const runtime = createRuntime(createPlatform(() => Object.fromEntries(getEnvironment()), getDirectories))
`,
  quickjs: `
import ${fromRuntime('web/early.ts')}
import { getEnvironment } from 'wasi:cli/environment@0.2.12'
import { getDirectories } from 'wasi:filesystem/preopens@0.2.12'
import { getStdout } from 'wasi:cli/stdout@0.2.12'
import { getStderr } from 'wasi:cli/stderr@0.2.12'
import { now, subscribeDuration } from 'wasi:clocks/monotonic-clock@0.2.12'
import { getRandomBytes } from 'wasi:random/random@0.2.12'
import { createRuntime } from ${fromRuntime('runtime.ts')}
import { createPlatform } from ${fromRuntime('quickjs.ts')}
export const runtime = createRuntime(createPlatform({ getDirectories, getEnvironment, getRandomBytes, getStdout, getStderr, now, subscribeDuration }))
`,
}
