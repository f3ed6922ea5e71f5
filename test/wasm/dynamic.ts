/** Exports and imports of modules that are known only at run time, without claims about their types. */
export function callable(value: unknown): (...values: unknown[]) => unknown {
  if (typeof value !== 'function') throw new TypeError('not a function')
  return (...values) => Reflect.apply(value, undefined, values)
}

export function table(value: unknown): WebAssembly.Table {
  if (!(value instanceof WebAssembly.Table)) throw new TypeError('not a table')
  return value
}

export function setGlobal(global: WebAssembly.Global, value: unknown): void {
  Reflect.set(global, 'value', value)
}

/** A mutable global of any type that JavaScript may make. */
export function makeGlobal(type: string, value: unknown): WebAssembly.Global {
  const made: unknown = Reflect.construct(WebAssembly.Global, [{ value: type, mutable: true }, value])
  if (!(made instanceof WebAssembly.Global)) throw new TypeError('not a global')
  return made
}

/** lib.dom knows no tags among import values. */
export function asImports(imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>): WebAssembly.Imports {
  const all: WebAssembly.Imports = {}
  for (const [module, values] of Object.entries(imports)) {
    const scope: WebAssembly.ModuleImports = {}
    for (const [name, value] of Object.entries(values)) Reflect.set(scope, name, value)
    all[module] = scope
  }
  return all
}

/** The tag of exceptions that JavaScript throws. */
export const jsTag: unknown = Reflect.get(WebAssembly, 'JSTag')
