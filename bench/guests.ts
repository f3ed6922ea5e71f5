import { fileURLToPath } from 'node:url'
import { readFile } from 'node:fs/promises'
import { buildFunction } from '../src/build/build.ts'
import { engineArtifact } from '../src/build/engine-artifact.ts'
import { buildScript } from '../src/build/script.ts'
import { createArtifact, scriptArtifact } from '../src/component/artifact.ts'
import type { Artifact } from '../src/component/contract.ts'
import { isSupported } from '../src/wasi/index.ts'
import { componentFromWat } from '../test/guests/index.ts'
import type { FunctionKind, JavaScriptEngine } from '../src/build/contract.ts'

/** The guests that benchmarks measure: each answers a request with its body, as JSON, but `workloads` runs what the body names. */
const SOURCES = {
  quickjs: { entry: 'lambda.ts', engine: 'quickjs', kind: 'event' },
  'quickjs-workloads': { entry: 'workloads.ts', engine: 'quickjs', kind: 'event' },
  'starlingmonkey-workloads': { entry: 'workloads.ts', engine: 'starlingmonkey', kind: 'event' },
  'quickjs-other': { entry: 'other.ts', engine: 'quickjs', kind: 'event' },
  starlingmonkey: { entry: 'fetch.ts', engine: 'starlingmonkey', kind: 'event' },
  'starlingmonkey-lambda': { entry: 'lambda.ts', engine: 'starlingmonkey', kind: 'event' },
  'starlingmonkey-hono': { entry: 'hono.ts', engine: 'starlingmonkey', kind: 'event' },
  'starlingmonkey-fetch-event': { entry: 'fetch-event.js', engine: 'starlingmonkey', kind: 'wasi-http' },
} as const satisfies Record<string, { entry: string; engine: JavaScriptEngine; kind: FunctionKind }>

export type BenchGuest = keyof typeof SOURCES | 'c' | 'loop'

const cacheDir = fileURLToPath(new URL('../.cache/bench', import.meta.url))

export async function benchGuest(name: BenchGuest): Promise<Uint8Array> {
  if (name === 'c') return readFile(new URL('../examples/c/hello.wasm', import.meta.url))
  if (name === 'loop') return componentFromWat(LOOP)
  const { entry, engine, kind } = SOURCES[name]
  const { component } = await buildFunction({
    entry: fileURLToPath(new URL(`./guests/${entry}`, import.meta.url)),
    engine,
    kind,
    cacheDir,
  })
  return component
}

/** The artifact of a guest in JavaScript as it is deployed: a script for its engine; undefined for the others. */
export async function benchScript(name: BenchGuest): Promise<Artifact | undefined> {
  if (name === 'c' || name === 'loop') return undefined
  const { entry, engine, kind } = SOURCES[name]
  if (kind !== 'event') return undefined
  const { code } = await buildScript({ entry: fileURLToPath(new URL(`./guests/${entry}`, import.meta.url)), engine })
  return scriptArtifact(await engineArtifact(engine), Buffer.from(code))
}

/** The artifact of a guest as it is deployed: in JavaScript a script for its engine, unless it exports wasi:http. */
export async function benchArtifact(name: BenchGuest): Promise<Artifact> {
  return (await benchScript(name)) ?? createArtifact(await benchGuest(name), { isSupported })
}

/** An event-world guest that never returns. */
const LOOP = `(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "cabi_post_handle") (param i32))
  (func (export "handle") (param i32 i32) (result i32) (loop $again (br $again)) (unreachable)))`
