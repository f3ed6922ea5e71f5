import { rolldown, type Plugin, type RolldownLog } from 'rolldown'
import type { SourceMapPayload } from 'node:module'
import { dirname, resolve } from 'node:path'
import { AuthorError, fromBundlerError, fromBundlerLog } from './diagnostics.ts'
import type { FunctionKind, JavaScriptEngine } from './contract.ts'

export interface Bundle {
  readonly code: string
  readonly map: SourceMapPayload
}

/** Entry that does not exist on disk: our runtime around the author's module. */
const ENTRY = '\0ampoule:entry'
const PRELUDE = '\0ampoule:prelude'

const RUNTIME = new URL('../../guest-sdk/runtime/', import.meta.url)

/** One ES module of everything that `entry` imports, for one engine. Throws an {@link AuthorError}. */
export async function bundle(entry: string, engine: JavaScriptEngine, kind: FunctionKind): Promise<Bundle> {
  const problems: RolldownLog[] = []
  const cwd = dirname(entry)
  let exports: readonly string[] = []
  try {
    const build = await rolldown({
      cwd,
      input: kind === 'event' ? ENTRY : entry,
      platform: 'neutral',
      external: /^wasi:/,
      // What packages offer for edge runtimes comes first: no engine here is Node.
      resolve: { mainFields: ['browser', 'module', 'main'], conditionNames: ['worker', 'browser', 'import', 'default'] },
      // QuickJS never runs its own job queue (guest-sdk/runtime/promise.ts): async functions become generators over our Promise.
      // Comments with the paths of this machine would make the same function another one elsewhere.
      experimental: { attachDebugInfo: 'none' },
      transform: engine === 'quickjs' ? { target: 'es2016' } : {},
      plugins: kind === 'event' ? [entryPlugin(entry, engine, (names) => (exports = names))] : [],
      onLog: (_level, log) => {
        if (log.code === 'UNRESOLVED_IMPORT' || (engine === 'quickjs' && log.code === 'TOLERATED_TRANSFORM')) problems.push(log)
      },
    })
    try {
      const { output } = await build.generate({ format: 'esm', codeSplitting: false, sourcemap: true })
      const [problem] = problems
      if (problem !== undefined) throw fromBundlerLog(problem) ?? new AuthorError(problem.message)
      const [chunk] = output
      const missing = chunk.imports.find((specifier) => !specifier.startsWith('wasi:'))
      if (missing !== undefined) throw new AuthorError(`Could not resolve '${missing}'`)
      if (kind === 'event') checkExports(exports, entry, engine)
      if (chunk.map === null) throw new Error('the bundler made no source map')
      // The bundler names sources as seen from the folder that it would write to.
      const sources = chunk.map.sources.map((source) => (source.includes('\0') ? source : resolve(cwd, 'dist', source)))
      const map: SourceMapPayload = { ...chunk.map, file: 'function.js', sources, sourceRoot: '' }
      return { code: chunk.code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'), map }
    } finally {
      await build.close()
    }
  } catch (error) {
    throw error instanceof AuthorError ? error : (fromBundlerError(error) ?? error)
  }
}

function entryPlugin(entry: string, engine: JavaScriptEngine, onExports: (names: readonly string[]) => void): Plugin {
  return {
    name: 'ampoule:entry',
    resolveId: (id) => (id === ENTRY || id === PRELUDE ? id : null),
    load: (id) => (id === ENTRY ? entryCode(entry) : id === PRELUDE ? PRELUDES[engine] : null),
    buildEnd(error) {
      if (error === undefined) onExports(this.getModuleInfo(entry)?.exports ?? [])
    },
  }
}

function checkExports(exports: readonly string[], entry: string, engine: JavaScriptEngine): void {
  // `export * from` may bring anything; the runtime looks again.
  if (exports.includes('*') || exports.includes('handler')) return
  const position = { file: entry, line: 1, column: 1 }
  if (!exports.includes('default')) {
    throw new AuthorError(
      'the module exports neither `default` (an object with `fetch(request, env, context)`) nor `handler(event, context)`',
      position,
    )
  }
  if (engine === 'quickjs') {
    throw new AuthorError(
      'QuickJS has no Request, Response, Headers, URL and streams, so it cannot run `export default { fetch }`: ' +
        "export `handler(event, context)`, or use engine 'starlingmonkey'",
      position,
    )
  }
}

const fromRuntime = (file: string): string => JSON.stringify(decodeURIComponent(new URL(file, RUNTIME).pathname))

/** The prelude is evaluated before the author's module, which must not take hold of what it replaces. */
const entryCode = (entry: string): string => `
import { runtime } from ${JSON.stringify(PRELUDE)}
import { createHandle } from ${fromRuntime('dispatch.ts')}
import * as module from ${JSON.stringify(entry)}
export const handle = createHandle({ default: module.default, handler: module.handler }, runtime)
`

const PRELUDES: Readonly<Record<JavaScriptEngine, string>> = {
  starlingmonkey: `
import { getEnvironment } from 'wasi:cli/environment@0.2.10'
import { createRuntime } from ${fromRuntime('runtime.ts')}
import { createPlatform } from ${fromRuntime('starlingmonkey.ts')}
export const runtime = createRuntime(createPlatform(() => Object.fromEntries(getEnvironment())))
`,
  quickjs: `
import { getEnvironment } from 'wasi:cli/environment@0.2.12'
import { getStdout } from 'wasi:cli/stdout@0.2.12'
import { getStderr } from 'wasi:cli/stderr@0.2.12'
import { now, subscribeDuration } from 'wasi:clocks/monotonic-clock@0.2.12'
import { getRandomBytes } from 'wasi:random/random@0.2.12'
import { createRuntime } from ${fromRuntime('runtime.ts')}
import { createPlatform } from ${fromRuntime('quickjs.ts')}
export const runtime = createRuntime(createPlatform({ getEnvironment, getRandomBytes, getStdout, getStderr, now, subscribeDuration }))
`,
}
