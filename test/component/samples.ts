import { createHash, randomUUID } from 'node:crypto'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco'
import binaryen from 'binaryen'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/ampoule-test/component/', import.meta.url))
const require = createRequire(import.meta.url)

export const EVENT_WORLD = `package ampoule:guest@0.1.0;
world event {
  export handle: func(event: list<u8>) -> result<list<u8>, list<u8>>;
}`

/** Builds once per content of `key`; some builds take ten seconds and more. */
async function cached(key: string, build: () => Promise<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(CACHE, `${createHash('sha256').update(key).digest('hex')}.wasm`)
  try {
    return new Uint8Array(await readFile(path))
  } catch {
    const bytes = await build()
    await mkdir(CACHE, { recursive: true })
    // Test files run at the same time: a half-written file must never be seen.
    const temporary = `${path}.${randomUUID()}`
    await writeFile(temporary, bytes)
    await rename(temporary, path)
    return new Uint8Array(bytes)
  }
}

/** A core module from text. */
export function coreModule(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text)
  try {
    module.setFeatures(binaryen.Features.All)
    return new Uint8Array(module.emitBinary())
  } finally {
    module.dispose()
  }
}

/** A component from text, in the syntax of wasm-tools. */
export async function componentText(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await parse(text))
}

/** Answers what it got, as a C compiler's output would: one module, a bump allocator, no imports. */
export const ECHO = `(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
    (local.get $at))
  (func (export "handle") (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $at))
    (i32.store (i32.const 24) (local.get $length))
    (i32.const 16))
  (func (export "cabi_post_handle") (param i32)))`

/** The component of a core module for a world given as WIT. */
export async function embedded(text: string, witSource: string, world: string): Promise<Uint8Array<ArrayBuffer>> {
  const module = await componentEmbed({ binary: coreModule(text), witSource, world })
  return new Uint8Array(await componentNew(module, []))
}

export function echoComponent(): Promise<Uint8Array<ArrayBuffer>> {
  return embedded(ECHO, EVENT_WORLD, 'event')
}

/** Ten core modules in two inner components, one of which only traps. Built by jco's command, as a user would. */
export function quickJs(source: string): Promise<Uint8Array<ArrayBuffer>> {
  return cached(`quickjs ${source} ${EVENT_WORLD}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ampoule-quickjs-'))
    try {
      await writeFile(join(folder, 'handler.js'), source)
      await writeFile(join(folder, 'world.wit'), EVENT_WORLD)
      const jco = require.resolve('@bytecodealliance/jco/component').replace(/browser\.js$/, 'jco.js')
      const options = [
        '--wit',
        'world.wit',
        '--world-name',
        'event',
        '--backend',
        'quickjs',
        '--backend-qjs-disable-async',
        '-o',
        'out.wasm',
      ]
      await promisify(execFile)(process.execPath, [jco, 'componentize', 'handler.js', ...options], { cwd: folder })
      return await readFile(join(folder, 'out.wasm'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}

export function quickJsEcho(): Promise<Uint8Array<ArrayBuffer>> {
  return quickJs('export function handle(event) { return event }')
}

function starlingMonkey(source: string, wit: string): Promise<Uint8Array<ArrayBuffer>> {
  return cached(`starlingmonkey ${source} ${wit}`, async () => {
    const { componentize } = await import('@bytecodealliance/componentize-js')
    return (await componentize(source, wit)).component
  })
}

export function starlingMonkeyEcho(): Promise<Uint8Array<ArrayBuffer>> {
  return starlingMonkey('export function handle(event) { return event }', EVENT_WORLD)
}

/** `wasi:http/proxy`, with the packages that it needs written into one text. */
export async function starlingMonkeyFetch(): Promise<Uint8Array<ArrayBuffer>> {
  const source = `addEventListener('fetch', (event) => event.respondWith((async () => new Response('hello ' + await event.request.text()))()))`
  return starlingMonkey(source, await proxyWorld())
}

async function proxyWorld(): Promise<string> {
  const packages = await witPackages(['io', 'clocks', 'random', 'cli', 'http'])
  // wasi:http's own world is wanted; those of wasi:cli would draw in packages that nothing else here needs.
  const text = packages.map((wit) => (wit.includes('wasi:http@') && wit.includes('world proxy') ? wit : withoutWorlds(wit)))
  return `package ampoule:sample;\nworld fetch { include wasi:http/proxy@0.2.10; }\n${text.join('\n').replaceAll('0.2.12', '0.2.10')}`
}

export function withoutWorlds(wit: string): string {
  return wit.replace(/^world [^{]*\{[^}]*\}/gm, '')
}

/** WASI packages as jco brings them, each as a nested package of one text. */
export async function witPackages(names: readonly string[]): Promise<string[]> {
  const wit = join(dirname(require.resolve('@bytecodealliance/jco/component')), '../lib/wit/builtin/0.2.12')
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(wit, `wasi-${name}/package.wit`), 'utf8')
      return `${text.replace(/^\s*package ([^;]+);/m, 'package $1 {')}\n}`
    }),
  )
}
