import { fileURLToPath } from 'node:url'
import { readFile } from 'node:fs/promises'
import { buildFunction } from '../src/build/build.ts'
import type { FunctionKind, JavaScriptEngine } from '../src/build/contract.ts'

/** The guests that benchmarks measure: each answers a request with its body, as JSON. */
const SOURCES = {
  quickjs: { entry: 'lambda.ts', engine: 'quickjs', kind: 'event' },
  starlingmonkey: { entry: 'fetch.ts', engine: 'starlingmonkey', kind: 'event' },
  'starlingmonkey-lambda': { entry: 'lambda.ts', engine: 'starlingmonkey', kind: 'event' },
  'starlingmonkey-hono': { entry: 'hono.ts', engine: 'starlingmonkey', kind: 'event' },
  'starlingmonkey-fetch-event': { entry: 'fetch-event.js', engine: 'starlingmonkey', kind: 'wasi-http' },
} as const satisfies Record<string, { entry: string; engine: JavaScriptEngine; kind: FunctionKind }>

export type BenchGuest = keyof typeof SOURCES | 'c'

const cacheDir = fileURLToPath(new URL('../.cache/bench', import.meta.url))

export async function benchGuest(name: BenchGuest): Promise<Uint8Array> {
  if (name === 'c') return readFile(new URL('../examples/c/hello.wasm', import.meta.url))
  const { entry, engine, kind } = SOURCES[name]
  const { component } = await buildFunction({
    entry: fileURLToPath(new URL(`./guests/${entry}`, import.meta.url)),
    engine,
    kind,
    cacheDir,
  })
  return component
}
