import { describe, expect, test } from 'vitest'
import { inspectModule, instrumentModule } from '../../src/wasm/index.ts'
import { Reader } from '../../src/wasm/reader.ts'
import { run, sections, wat } from './text.ts'

const letters = (text: string): number[] => [text.length, ...Buffer.from(text)]
const FUNCTION: readonly (readonly [number, ...number[]])[] = [
  [1, 1, 0x60, 0, 0],
  [3, 1, 0],
]
const CODE: readonly [number, ...number[]] = [10, 1, 5, 0, 0x03, 0x40, 0x0b, 0x0b]

/** The `name` section of a module: subsection -> index map, or index -> map for nested ones. */
function names(module: WebAssembly.Module): Map<number, Map<number, string | Map<number, string>>> {
  const [content] = WebAssembly.Module.customSections(module, 'name')
  const reader = new Reader(new Uint8Array(content!))
  const all = new Map<number, Map<number, string | Map<number, string>>>()
  const flat = (): Map<number, string> => {
    const map = new Map<number, string>()
    for (let count = reader.u32(); count > 0; count--) map.set(reader.u32(), reader.name())
    return map
  }
  while (reader.pos < reader.end) {
    const id = reader.byte()
    const length = reader.u32()
    const end = reader.pos + length
    if (id === 0) reader.pos = end
    else if (id === 2 || id === 3 || id === 10) {
      const nested = new Map<number, Map<number, string>>()
      for (let count = reader.u32(); count > 0; count--) nested.set(reader.u32(), flat())
      all.set(id, nested)
    } else all.set(id, flat())
    expect(reader.pos).toBe(end)
  }
  return all
}

test('names go with what they name', () => {
  const subsections: readonly (readonly number[])[] = [
    [1, 5, 1, 0, ...letters('go')],
    [2, 6, 1, 0, 1, 0, ...letters('n')],
    [3, 6, 1, 0, 1, 0, ...letters('l')],
    [4, 4, 1, 0, ...letters('t')],
    [7, 4, 1, 0, ...letters('g')],
  ]
  const named = [...letters('name'), ...subsections.flat()]
  const type: readonly [number, ...number[]] = [1, 1, 0x60, 1, 0x7f, 0]
  const bytes = sections(type, [3, 1, 0], [6, 1, 0x7f, 1, 0x41, 0, 0x0b], CODE, [0, ...named])
  const found = names(new WebAssembly.Module(instrumentModule(bytes).bytes))
  const functions = found.get(1)!
  expect(functions.get(0)).toBe('ampoule.refuel')
  expect(functions.get(1)).toBe('ampoule.yield')
  expect(functions.get(2)).toBe('go')
  expect([...functions.values()]).toContain('ampoule.restore')
  expect(found.get(2)!.get(2)).toEqual(new Map([[0, 'n']]))
  expect(found.get(4)!.get(0)).toBe('t')
  expect(found.get(7)!.get(0)).toBe('g')
  // The check at the function's entry is a label too, before the loop's.
  expect(found.get(3)!.get(2)).toEqual(new Map([[1, 'l']]))
})

describe('custom sections', () => {
  const custom = (name: string): readonly [number, ...number[]] => [0, ...letters(name), 1, 2, 3]
  const surviving = ['producers', 'target_features', 'my.notes']
  const stale = ['.debug_info', 'reloc.CODE', 'linking', 'sourceMappingURL', 'metadata.code.branch_hint', 'external_debug_info']

  test('survive where they stand for themselves, in their order', () => {
    const bytes = sections(custom('first'), ...FUNCTION, custom('producers'), CODE, custom('target_features'), custom('my.notes'))
    const { customSections } = inspectModule(instrumentModule(bytes).bytes)
    const kept = customSections.map(({ name }) => name).filter((name) => name !== 'metadata.code.branch_hint')
    expect(kept).toEqual(['first', ...surviving])
  })

  test('that speak of the code as it was are dropped', () => {
    const bytes = sections(...FUNCTION, CODE, ...stale.map(custom))
    const { customSections } = inspectModule(instrumentModule(bytes, { fuel: false }).bytes)
    expect(customSections).toEqual([])
  })

  test('a malformed name section is left out', () => {
    const bytes = sections(...FUNCTION, CODE, [0, ...letters('name'), 1, 50])
    expect(inspectModule(instrumentModule(bytes).bytes).customSections.map(({ name }) => name)).not.toContain('name')
  })
})

test('every index that moves is moved', () => {
  const { call, exports } = run(
    wat(`(module (import "env" "i" (func $i (result i32))) (import "env" "c" (global $c i32)) (type $t (func (result i32)))
      (global $g (export "g") i32 (global.get $c)) (global $f (mut funcref) (ref.func $one)) (global $h (mut i32) (i32.const 40))
      (table $t1 3 funcref) (table $t2 2 funcref) (elem (table $t1) (offset (global.get $c)) func $one $two) (elem (table $t2) (i32.const 0) funcref (ref.func $two) (ref.null func))
      (memory 1) (data (offset (global.get $c)) "A") (start $begin)
      (func $begin (global.set $h (i32.add (global.get $h) (call $i))))
      (func $one (type $t) (i32.const 1)) (func $two (type $t) (i32.const 2))
      (func (export "sum") (result i32) (i32.add (i32.add (global.get $h) (i32.load8_u (i32.const 1))) (i32.add (call_indirect $t1 (type $t) (i32.const 2)) (call_indirect $t2 (type $t) (i32.const 0)))))
      (func (export "again") (result i32) (table.set $t1 (i32.const 0) (global.get $f)) (call_indirect $t1 (type $t) (i32.const 0))))`),
    { imports: { env: { i: () => 2, c: 1 } } },
  )
  expect(call('sum')).toBe(40 + 2 + 65 + 2 + 2)
  expect(call('again')).toBe(1)
  expect(exports['g']).toHaveProperty('value', 1)
})

test('functions with several results and branches out of loops keep their results', () => {
  const { call } = run(
    wat(`(module (func (export "two") (param i32) (result i32 i64 f64)
        (loop $l (if (i32.gt_s (local.get 0) (i32.const 9)) (then (return (local.get 0) (i64.const 1) (f64.const 0.5))))
          (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $l)) (unreachable))
      (func (export "out") (param i32) (result i32 i32)
        (loop $l (i32.const 7) (local.get 0) (br_if 1 (local.get 0)) (drop) (drop) (local.set 0 (i32.const 3)) (br $l)) (unreachable)))`),
  )
  expect(call('two', 4)).toEqual([10, 1n, 0.5])
  expect(call('out', 0)).toEqual([7, 3])
})

test('inspection names the features, imports and sizes', () => {
  const bytes = wat(`(module (import "env" "f" (func)) (memory 1 2) (memory i64 1) (tag $e) (table 1 externref)
    (func (export "go") (result i32 i32) (drop (i8x16.popcnt (v128.const i64x2 1 2))) (block $b (try_table (catch_all $b) (throw $e))) (i32.const 1) (i32.extend8_s (i32.const 2))))`)
  const found = inspectModule(bytes)
  expect(found.features).toEqual(['exceptions', 'memory64', 'multi-memory', 'multi-value', 'sign-extension', 'simd'])
  expect(found.imports).toEqual([{ module: 'env', name: 'f', kind: 'func' }])
  expect(found.exports).toEqual([{ name: 'go', kind: 'func', index: 1 }])
  expect(found.functions).toMatchObject({ imported: 1, defined: 1 })
  expect(found.instrumented).toBe(false)
  expect(inspectModule(instrumentModule(bytes).bytes).instrumented).toBe(true)
})

test('a module that defines nothing comes back as it is', () => {
  const bytes = wat('(module (import "" "t" (table 1 funcref)) (import "" "f" (func $f)) (elem (i32.const 0) $f))')
  expect(instrumentModule(bytes).bytes).toEqual(bytes)
})

test('legacy handlers catch, delegate and rethrow as before', () => {
  const delegated = [0, 0x06, 0x7f, 0x06, 0x7f, 0x41, 5, 0x08, 0, 0x18, 0, 0x07, 0, 0x41, 37, 0x6a, 0x0b, 0x0b]
  const rethrown = [0, 0x06, 0x7f, 0x06, 0x7f, 0x41, 5, 0x08, 0, 0x07, 0, 0x1a, 0x09, 0, 0x0b, 0x19, 0x41, 9, 0x0b, 0x0b]
  const bytes = sections(
    [1, 2, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 0],
    [3, 2, 0, 0],
    [13, 1, 0, 1],
    [7, 2, 1, 0x61, 0, 0, 1, 0x62, 0, 1],
    [10, 2, delegated.length, ...delegated, rethrown.length, ...rethrown],
  )
  const { call } = run(bytes)
  expect([call('a'), call('b')]).toEqual([42, 9])
})
