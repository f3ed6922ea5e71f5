/**
 * Components for tests and benchmarks, made once and kept under node_modules/.cache/ampoule-test.
 */
import { parse } from '@bytecodealliance/jco'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { buildFunction } from '../../src/build/build.ts'
import { componentizeCore } from '../../src/build/core.ts'
import { C_RUNTIME } from '../../src/build/runtime-section.ts'
import type { FunctionKind, JavaScriptEngine } from '../../src/build/contract.ts'
import { CACHE, cached } from './cache.ts'

interface JavaScriptGuest {
  readonly source: string
  readonly engine: JavaScriptEngine
  readonly kind: FunctionKind
}

/** `core`: a core module beside this file; `wat`: its text; `source`: JavaScript that is built as a user's function is. */
const GUESTS = {
  /** C (c/echo.c): the body of an http event, the payload of an invoke event. No imports. */
  echo: { core: 'c/echo.core.wasm' },
  /** WAT: see hostile.ts. No imports. */
  hostile: { wat: 'hostile.wat' },
  /** The same as `echo` on QuickJS. */
  'echo-quickjs': { source: 'javascript/echo-lambda.ts', engine: 'quickjs', kind: 'event' },
  /** The same as `echo` on StarlingMonkey. Takes seconds to build. */
  'echo-starlingmonkey': { source: 'javascript/echo-fetch.ts', engine: 'starlingmonkey', kind: 'event' },
  /** Reads files. */
  'reader-quickjs': { source: 'javascript/reader.ts', engine: 'quickjs', kind: 'event' },
  /** wasi:http on StarlingMonkey: echoes bodies. Takes seconds to build. */
  'fetch-event': { source: 'javascript/fetch-event.js', engine: 'starlingmonkey', kind: 'wasi-http' },
} as const satisfies Record<string, { readonly core: string } | { readonly wat: string } | JavaScriptGuest>

export type GuestName = keyof typeof GUESTS

/** The component of that name. The bytes are the caller's own copy. */
export async function guest(name: GuestName): Promise<Uint8Array<ArrayBuffer>> {
  const recipe = GUESTS[name]
  if ('source' in recipe) {
    const entry = fileURLToPath(new URL(recipe.source, import.meta.url))
    const { component } = await buildFunction({ entry, engine: recipe.engine, kind: recipe.kind, cacheDir: fileURLToPath(CACHE) })
    return component
  }
  if ('core' in recipe)
    return cached(await readFile(new URL(recipe.core, import.meta.url)), (core) => componentizeCore(core, C_RUNTIME))
  return cached(await readFile(new URL(recipe.wat, import.meta.url)), async (text) => componentFromWat(text.toString('utf8')))
}

/** An event-world component of a core module in text form, not cached. */
export async function componentFromWat(wat: string): Promise<Uint8Array<ArrayBuffer>> {
  return componentizeCore(await parse(wat))
}
