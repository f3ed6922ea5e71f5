import { componentEmbed, componentNew } from '@bytecodealliance/jco'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../src/component/evaluate.ts'
import { parseComponent } from '../../src/component/parse.ts'
import { hostImports, requireSupport } from '../../src/component/support.ts'
import { WASI_SIGNATURES } from '../../src/component/wasi-signatures.ts'
import type { LinkPlan } from '../../src/component/contract.ts'
import { componentText, withoutWorlds, witPackages } from './samples.ts'

const PACKAGES = ['io', 'clocks', 'random', 'cli', 'http', 'filesystem', 'sockets']
/** Exported, not imported: their functions are the guest's. */
const EXPORTED = new Set(['wasi:http/incoming-handler', 'wasi:cli/run'])

/** The plan of a component that imports all of WASI, unstable functions included. */
async function everything(): Promise<LinkPlan> {
  const packages = (await witPackages(PACKAGES)).map((wit) => withoutWorlds(wit).replace(/@unstable\([^)]*\)/g, ''))
  const imports = packages.flatMap((wit) => {
    const name = /package ([^@]+)@/.exec(wit)?.[1] ?? ''
    return [...wit.matchAll(/^interface ([a-z0-9-]+)/gm)].map((match) => `${name}/${match[1] ?? ''}`)
  })
  const wanted = imports.filter((name) => !EXPORTED.has(name)).map((name) => `import ${name}@0.2.12;`)
  const witSource = `package a:b;\nworld all {\n${wanted.join('\n')}\n}\n${packages.join('\n')}`
  const component = await componentNew(await componentEmbed({ dummy: true, witSource, world: 'all' }), [])
  return { instances: evaluate(parseComponent(new Uint8Array(component))).instances, exports: {} }
}

/** Imports `wasi:random/random` with a type of the test's choice. */
async function imported(type: string, options: string, core: string): Promise<LinkPlan> {
  const component = await componentText(`(component
    (import "wasi:random/random@0.2.3" (instance $r (export "get-random-bytes" (func ${type}))))
    (alias export $r "get-random-bytes" (func $f))
    (core module $a
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
    (core instance $a (instantiate $a))
    (core func $l (canon lower (func $f) ${options}))
    (core module $m (import "h" "f" (func ${core})))
    (core instance $h (export "f" (func $l)))
    (core instance (instantiate $m (with "h" (instance $h)))))`)
  return { instances: evaluate(parseComponent(component)).instances, exports: {} }
}

const MEMORY = '(memory (core memory $a "memory"))'
const REALLOC = '(realloc (core func $a "realloc"))'

describe('the signatures of WASI functions', () => {
  it('are those of the WIT that jco brings', async () => {
    const plan = await everything()
    const derived: Record<string, Record<string, string>> = {}
    for (const item of hostImports(plan)) {
      if (item.kind !== 'lower') continue
      const options = `${item.memory === undefined ? '' : 'm'}${item.realloc === undefined ? '' : 'r'}`
      const functions = (derived[item.interface] ??= {})
      functions[item.name] = `${item.signature ?? ''}${options === '' ? '' : ` ${options}`}`
    }
    expect(derived).toEqual(WASI_SIGNATURES)
    expect(() => requireSupport(plan, () => true)).not.toThrow()
  })

  it('are required of a component, so that a host function gets the kinds of numbers it expects', async () => {
    const right = await imported('(param "len" u64) (result (list u8))', `${MEMORY} ${REALLOC}`, '(param i64 i32)')
    expect(() => requireSupport(right, () => true)).not.toThrow()
    const float = await imported('(param "len" f64) (result (list u8))', `${MEMORY} ${REALLOC}`, '(param f64 i32)')
    expect(() => requireSupport(float, () => true)).toThrow('wasi:random/random@0.2.3#get-random-bytes (Fi->, should be Ii->)')
  })

  it('are required with the options for memory and realloc that the real type needs', async () => {
    const noMemory = await imported('(param "len" u64) (param "at" u32)', '', '(param i64 i32)')
    expect(() => requireSupport(noMemory, () => true)).toThrow('it lacks the option memory')
    const noRealloc = await imported('(param "len" u64) (result (tuple u32 u32))', MEMORY, '(param i64 i32)')
    expect(() => requireSupport(noRealloc, () => true)).toThrow('it lacks the option realloc')
  })
})
