import binaryen from 'binaryen'
import { instantiate, instrumentModule, type InstrumentOptions, type Runtime, type RuntimeOptions } from '../../src/wasm/index.ts'
import { callable } from './dynamic.ts'

/** Encoding follows the features, so that what V8 does not ship must stay off; the package's types lag behind its flags. */
function shipped(): number {
  const compactImports = Number(Reflect.get(binaryen.Features, 'CompactImports'))
  return binaryen.Features.All & ~compactImports
}

/** A module from its text form. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text)
  try {
    Reflect.apply(Reflect.get(module, 'setFeatures'), module, [shipped()])
    return new Uint8Array(module.emitBinary())
  } finally {
    module.dispose()
  }
}

export interface Running extends Runtime {
  readonly exports: WebAssembly.Exports
  readonly call: (name: string, ...values: unknown[]) => unknown
}

/** Instruments and instantiates. */
export function run(
  bytes: Uint8Array,
  options: RuntimeOptions & { imports?: WebAssembly.Imports; passes?: InstrumentOptions } = {},
): Running {
  const instrumented = instrumentModule(bytes, options.passes)
  const runtime = instantiate(new WebAssembly.Module(instrumented.bytes), options.imports ?? {}, options)
  const { exports } = runtime.instance
  return { ...runtime, exports, call: (name, ...values) => callable(exports[name])(...values) }
}

/** A module from its sections, for what no tool would write. */
export function sections(...parts: readonly (readonly [id: number, ...bytes: number[]])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...parts.flatMap(([id, ...bytes]) => [id, (bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes]),
  ])
}

/** A module with one function () -> () of the given code; `end` is added. */
export function body(...code: readonly number[]): Uint8Array<ArrayBuffer> {
  const content = [0, ...code, 0x0b]
  return sections([1, 1, 0x60, 0, 0], [3, 1, 0], [10, 1, content.length, ...content])
}
