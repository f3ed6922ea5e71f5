import { rolldown, type Plugin, type RolldownLog } from 'rolldown'
import type { SourceMapPayload } from 'node:module'
import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AuthorError, fromBundlerError, fromBundlerLog } from './diagnostics.ts'
import { confined } from './confined.ts'
import { entryOf, type Entry } from './entries.ts'
import { inputMaps } from './input-maps.ts'
import { lazyIdna } from './lazy-idna.ts'
import { keepAsyncIteratorPrototype } from './lowering.ts'
import { nodeBuiltins } from './node-builtins.ts'
import { ownPlaces } from './own-places.ts'
import type { BundleForm, JavaScriptEngine, PackageOptions, ScriptOptions } from './contract.ts'

export interface Bundle {
  readonly code: string
  readonly map: SourceMapPayload
  /** Absolute paths of the files that it was made of, the author's, those of packages and of our runtime. */
  readonly inputs: readonly string[]
  /** What the author's module exports. */
  readonly exports: readonly string[]
}

const NO_MAP = { version: 3, names: [], sources: [], sourcesContent: [], mappings: '' }

/**
 * One module of everything that `entry` imports, for one engine: an ES module, or the text of a function (form `script`, in which `stubs` go
 * before it). Throws an {@link AuthorError}.
 */
export async function bundle(
  entry: string,
  engine: JavaScriptEngine,
  form: BundleForm,
  { stubs, within, layers = false }: Pick<ScriptOptions, 'stubs' | 'within'> & Pick<PackageOptions, 'layers'> = {},
): Promise<Bundle> {
  const problems: RolldownLog[] = []
  const inputs = new Set<string>([entry])
  const cwd = dirname(entry)
  const { input, modules, banner, footer } = entryOf(entry, engine, form, stubs)
  const ofAuthor = form === 'event' || form === 'script' || form === 'package'
  let exports: readonly string[] = []
  try {
    const build = await rolldown({
      cwd,
      input,
      platform: 'neutral',
      external: layers ? [/^wasi:/, /^\/opt\//] : /^wasi:/,
      // What packages offer for edge runtimes comes first: no engine here is Node.
      resolve: { mainFields: ['browser', 'module', 'main'], conditionNames: ['worker', 'browser', 'import', 'default'] },
      // QuickJS never runs its own job queue (guest-sdk/runtime/promise.ts): async functions become generators over our Promise.
      // Comments with the paths of this machine would make the same function another one elsewhere.
      experimental: { attachDebugInfo: 'none' },
      transform: engine === 'quickjs' ? { target: 'es2016' } : {},
      // It could name files anywhere.
      ...(within !== undefined && { tsconfig: false }),
      plugins: [
        ...(within === undefined ? [] : [confined(within), ownPlaces(within)]),
        entryPlugin(modules, inputs, ofAuthor ? entry : undefined, (names) => (exports = names)),
        sdkPlugin,
        nodeBuiltins(),
        lazyIdna(),
        inputMaps(),
        ...(engine === 'quickjs' ? [keepAsyncIteratorPrototype] : []),
      ],
      onLog: (_level, log) => {
        // The engine itself has the other things that cannot be lowered, such as big integers.
        const tooNew = engine === 'quickjs' && log.code === 'TOLERATED_TRANSFORM' && /top-level await/i.test(log.message)
        const unresolved = log.code === 'UNRESOLVED_IMPORT' && !(layers && isOfLayer(log))
        if (unresolved || tooNew) problems.push(log)
      },
    })
    try {
      const { output } = await build.generate({
        format: 'esm',
        // Its default takes a script, one expression, for code without effect, and leaves it out.
        minify: false,
        codeSplitting: false,
        sourcemap: true,
        ...(banner !== undefined && { banner }),
        ...(footer !== undefined && { footer }),
      })
      const [problem] = problems
      if (problem !== undefined) throw fromBundlerLog(problem) ?? new AuthorError(problem.message)
      const [chunk] = output
      const missing = chunk.imports.find((specifier) =>
        specifier.startsWith('wasi:') ? form === 'script' || form === 'package' : !layers,
      )
      if (missing !== undefined) throw unresolved(missing)
      if (ofAuthor) checkExports(exports, entry)
      // There is none when nothing of the author's is left, as of \`export default 5\`.
      const given = chunk.map ?? NO_MAP
      // The bundler names sources as seen from the folder that it would write to.
      const sources = given.sources.map((source) => (source.includes('\0') ? source : resolve(cwd, 'dist', source)))
      const map: SourceMapPayload = { ...given, file: 'function.js', sources, sourceRoot: '' }
      return { code: chunk.code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'), map, inputs: [...inputs], exports }
    } finally {
      await build.close()
    }
  } catch (error) {
    const failure = error instanceof AuthorError ? error : fromBundlerError(error)
    if (failure !== undefined) failure.inputs = [...inputs]
    throw failure ?? error
  }
}

function entryPlugin(
  modules: Entry['modules'],
  inputs: Set<string>,
  author: string | undefined,
  onExports: (names: readonly string[]) => void,
): Plugin {
  return {
    name: 'ampoule:entry',
    resolveId: { filter: { id: /^\0ampoule:/ }, handler: (id) => (Object.hasOwn(modules, id) ? id : null) },
    load(id) {
      if (!id.includes('\0')) inputs.add(id.replace(/\?.*$/, ''))
      return modules[id] ?? null
    },
    buildEnd(error) {
      if (error === undefined && author !== undefined) onExports(this.getModuleInfo(author)?.exports ?? [])
    },
  }
}

const SDK = fileURLToPath(new URL('../../guest-sdk/index.ts', import.meta.url))

/** An author who has not installed the package (its types are of use to editors only) gets ours. */
const sdkPlugin: Plugin = {
  name: 'ampoule:sdk',
  resolveId: {
    filter: { id: /^@ampoule\/guest$/ },
    async handler(id, importer) {
      return (await this.resolve(id, importer, { skipSelf: true })) ?? SDK
    },
  },
}

/** No file of the function's own: the host knows better. */
const isOfLayer = ({ message }: RolldownLog): boolean => /Could not resolve '(?!\.)/.test(message)

const unresolved = (specifier: string): AuthorError =>
  new AuthorError(
    specifier.startsWith('wasi:')
      ? `'${specifier}' cannot be imported: functions in JavaScript reach the host by the web's interfaces`
      : `Could not resolve '${specifier}'`,
  )

/** The map as it is kept: sources relative to the entry's folder, so that it says nothing of the machine. */
export const relativeMap = (map: SourceMapPayload, entry: string): SourceMapPayload => ({
  ...map,
  sources: map.sources.map((source) => (source.includes('\0') ? source : relative(dirname(entry), source).replaceAll(sep, '/'))),
})

function checkExports(exports: readonly string[], entry: string): void {
  // `export * from` may bring anything; the runtime looks again.
  if (exports.includes('*') || exports.includes('handler')) return
  const position = { file: entry, line: 1, column: 1 }
  if (!exports.includes('default')) {
    throw new AuthorError(
      'the module exports neither `default` (an object with `fetch(request, env, ctx)`, `queue`, `stream` or `scheduled`) nor `handler(event, context)`',
      position,
    )
  }
}
