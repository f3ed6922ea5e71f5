import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import v8 from 'node:v8'
import { componentEmbed } from '@bytecodealliance/jco'

type CoreType = 'i32' | 'i64' | 'f32' | 'f64'

export interface CoreImport {
  /** As the driver names it. */
  readonly path: string
  readonly parameters: readonly CoreType[]
  readonly results: readonly CoreType[]
}

export const WIT = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco')),
  '../lib/wit/builtin/0.2.12',
)
export const PACKAGES = ['io', 'clocks', 'random', 'filesystem', 'sockets', 'cli', 'http']

/** `package x; …` as a nested `package x { … }`. */
function nestedPackage(name: string): string {
  const text = readFileSync(path.join(WIT, `wasi-${name}/package.wit`), 'utf8')
  const head = /^package ([^;]+);/m.exec(text)
  if (head?.[1] === undefined) throw new Error(`wasi-${name} does not start with a package`)
  return `package ${head[1]} {\n${text.slice(head.index + head[0].length)}\n}\n`
}

/**
 * Everything that `wasi:cli/command` and `wasi:http/proxy` components can import, with the core types that jco's own implementation of
 * the canonical ABI flattens it to: the imports of a dummy module that it makes for the world.
 */
export async function allImports(): Promise<CoreImport[]> {
  const world = 'package test:all@0.1.0;\nworld all { include wasi:cli/imports@0.2.12; include wasi:http/imports@0.2.12; }\n'
  const witSource = world + PACKAGES.map(nestedPackage).join('\n')
  const core = await componentEmbed({ dummy: true, witSource, world: 'all', features: { tag: 'all' } })
  v8.setFlagsFromString('--experimental-wasm-type-reflection')
  try {
    return WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(core))).map(readImport)
  } finally {
    v8.setFlagsFromString('--no-experimental-wasm-type-reflection')
  }
}

function readImport(item: WebAssembly.ModuleImportDescriptor): CoreImport {
  const owner = /\|(.*)@0\.2$/.exec(item.module)?.[1]
  if (owner === undefined || !('type' in item)) throw new Error(`cannot read ${item.module} ${item.name}`)
  // the type reflection proposal's FunctionType; each entry is one core type
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const type = item.type as { parameters: CoreType[]; results: CoreType[] }
  return { path: `${owner}#${item.name.replace(/^(.*)_drop$/, '[drop]$1')}`, ...type }
}
