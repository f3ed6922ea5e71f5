import { invalidParameter } from '../functions/lambda-error.ts'

const SOURCES = ['.mjs', '.js', '.cjs', '.mts', '.ts', '.cts', '.tsx', '.jsx']

/** In the function's own folder, so that what it imports is found; no zip has a reason to bring one of this name. */
const ENTRY = '.ampoule-entry.mjs'

/**
 * The module at which bundling begins, for `Handler: folder/file.export`. Throws `InvalidParameterValueException` when the zip has no such
 * file; whether the file has the export shows when it runs.
 */
export function handlerEntry(files: ReadonlySet<string>, handler: string): { readonly path: string; readonly code: string } {
  const dot = handler.lastIndexOf('.')
  const [file, name] = [handler.slice(0, dot), handler.slice(dot + 1)]
  if (dot < 1 || name === '') throw invalidParameter(`The handler ${handler} must be FILE.EXPORT, such as index.handler`)
  const wanted = file.replace(/^\.\//, '')
  const found = SOURCES.map((ending) => wanted + ending).find((path) => files.has(path))
  if (found === undefined)
    throw invalidParameter(
      `The handler ${handler} needs the file ${wanted} with one of the endings ${SOURCES.join(', ')}, and the zip has none${firstOf(files)}`,
    )
  const key = JSON.stringify(name)
  const missing = JSON.stringify(`${handler} is undefined or not exported`)
  // CommonJS modules come as their default export. `default` may also be a module of our own form, or a Hono app.
  const code =
    name === 'default'
      ? `export * from ${JSON.stringify(`./${found}`)}\nexport { default } from ${JSON.stringify(`./${found}`)}\n`
      : `import * as module from ${JSON.stringify(`./${found}`)}
export const handler = module[${key}] ?? module.default?.[${key}]
if (typeof handler !== 'function') throw Object.assign(new Error(${missing}), { name: 'Runtime.HandlerNotFound' })
`
  return { path: ENTRY, code }
}

/** The component or core module of a zip: the one that the handler names, `bootstrap`, `function.wasm`, or the only one there is. */
export function chooseComponent(files: ReadonlySet<string>, handler: string): string {
  const named = [handler, `${handler}.wasm`, 'bootstrap.wasm', 'function.wasm', 'bootstrap']
  const found = named.find((path) => files.has(path))
  if (found !== undefined) return found
  const modules = [...files].filter((path) => path.endsWith('.wasm'))
  if (modules.length === 1 && modules[0] !== undefined) return modules[0]
  throw invalidParameter(
    modules.length === 0
      ? `The zip has no WebAssembly component or core module: it should have bootstrap.wasm, function.wasm or the file that Handler names${firstOf(files)}`
      : `The zip has ${modules.length} WebAssembly files: name one of them as Handler, such as ${modules[0]}`,
  )
}

const SHOWN = 10

const firstOf = (files: ReadonlySet<string>): string =>
  files.size === 0 ? '; it is empty' : `; it has ${[...files].slice(0, SHOWN).join(', ')}${files.size > SHOWN ? ', …' : ''}`
