import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { componentize } from '@bytecodealliance/componentize-js'
import { transpile } from '@bytecodealliance/jco'
import { componentize as componentizeQuickJs } from 'componentize-qjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHost, type Host, instantiate, instrumentModule } from '../../src/wasm/index.ts'
import { callable } from './dynamic.ts'

const folder = mkdtempSync(join(tmpdir(), 'ampoule-engines-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const WORLD = 'package t:t; world w { export run: func(n: u32) -> string; }'
const SOURCE = `export function run(n) {
  if (n === 0) for (;;) {}
  const words = []
  for (let i = 0; i < n; i++) words.push((i * 7919 % 1009).toString(36) + '-' + Math.sqrt(i))
  words.sort()
  try { (function deep(n) { return n === 0 ? null.x : deep(n - 1) })(50) } catch (error) { words.push(error.constructor.name) }
  const lengths = new Map(words.map((word) => [word, word.length]))
  return JSON.stringify([words.slice(0, 5), lengths.size, words.join().replace(/[0-9]+/g, (d) => d.length).length, words.at(-1)])
}`
const PLENTY = 10n ** 15n

type Instances = WebAssembly.Instance[]
type LinkCore = (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance

/** Links core modules as their component says, companions from whoever exports the memory or table. */
function linker(host: Host): LinkCore {
  const instances: Instances = []
  return (module, imports = {}) => {
    const all: WebAssembly.Imports = { ...imports }
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      const [, companion, original] = /^ampoule:(pages|grow|touch):(.*)$/s.exec(name) ?? []
      if (companion === undefined || original === undefined) continue
      const wanted = imports[from]?.[original]
      for (const { exports } of instances) {
        const [own] = Object.entries(exports).find(([key, value]) => value === wanted && !key.startsWith('ampoule:')) ?? []
        const found = own === undefined ? undefined : exports[`ampoule:${companion}:${own}`]
        if (found !== undefined) all[from] = { ...all[from], [name]: found }
      }
    }
    const { instance } = instantiate(module, all, { host })
    instances.push(instance)
    return instance
  }
}

interface Component {
  /** Calls `run` of a new instance. */
  plain(n: number): string
  metered(n: number, fuel: bigint): { text: string; used: bigint; instantiation: bigint }
}

async function prepare(name: string, bytes: Uint8Array): Promise<Component> {
  const { files } = await transpile(bytes, { name, instantiation: 'sync' })
  mkdirSync(join(folder, name))
  const cores = new Map<string, { plain: WebAssembly.Module; metered: WebAssembly.Module }>()
  let glue = ''
  for (const [path, content] of Object.entries(files)) {
    const file = path.split('/').at(-1)!
    if (file.endsWith('.wasm')) {
      const core = new Uint8Array(content)
      cores.set(file, { plain: new WebAssembly.Module(core), metered: new WebAssembly.Module(instrumentModule(core).bytes) })
    } else if (file.endsWith('.js')) {
      glue = join(folder, name, file.replace('.js', '.mjs'))
      writeFileSync(glue, content)
    }
  }
  expect(readFileSync(glue, 'utf8')).toContain('export function instantiate')
  const loaded: unknown = await import(pathToFileURL(glue).href)
  const start = callable(Reflect.get(Object(loaded), 'instantiate'))
  const run = (made: unknown, n: number): string => String(callable(Reflect.get(Object(made), 'run'))(n))
  return {
    plain: (n) =>
      run(
        start((path: string) => cores.get(path)!.plain, {}),
        n,
      ),
    metered: (n, fuel) => {
      const host = createHost({ fuel: PLENTY })
      const made = start((path: string) => cores.get(path)!.metered, {}, linker(host))
      const instantiation = host.used()
      host.refill(fuel)
      try {
        return { text: run(made, n), used: host.used(), instantiation }
      } catch (error) {
        return { text: String(error), used: host.used(), instantiation }
      }
    },
  }
}

const builds: Record<string, () => Promise<Uint8Array>> = {
  quickjs: async () => {
    writeFileSync(join(folder, 'world.wit'), WORLD)
    return (await componentizeQuickJs({ witPath: join(folder, 'world.wit'), jsSource: SOURCE, sync: true, stubWasi: true }))
      .component
  },
  starlingmonkey: async () => {
    const sourcePath = join(folder, 'source.js')
    writeFileSync(sourcePath, SOURCE)
    const disableFeatures: ('stdio' | 'random' | 'clocks' | 'http' | 'fetch-event')[] = [
      'stdio',
      'random',
      'clocks',
      'http',
      'fetch-event',
    ]
    // The package's types do not know `witWorld`, which its code does.
    const options = { sourcePath, witWorld: WORLD, worldName: 'w', disableFeatures }
    const { component } = await componentize(options)
    return component
  },
}

for (const [name, build] of Object.entries(builds)) {
  describe(`a component with ${name}`, () => {
    let component: Component
    beforeAll(async () => {
      component = await prepare(name, await build())
    })

    test('answers as before, with the same fuel in every instance', () => {
      const expected = component.plain(500)
      const first = component.metered(500, PLENTY)
      expect(expected).toMatch(/Error"\]$/)
      expect(first.text).toBe(expected)
      expect(first.used).toBeGreaterThan(1_000_000n)
      expect(component.metered(500, PLENTY)).toEqual(first)
    })

    test('stops an endless loop when its fuel is out', () => {
      const { text, used } = component.metered(0, 50_000_000n)
      expect(text).toContain('unreachable')
      expect(used).toBeGreaterThan(50_000_000n)
    })
  })
}
