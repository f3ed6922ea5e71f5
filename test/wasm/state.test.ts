import { describe, expect, test } from 'vitest'
import { detachInitialisation, instrumentModule } from '../../src/wasm/index.ts'
import { table } from './dynamic.ts'
import { run, wat } from './text.ts'

const SAVE = 'ampoule:save'
const RESTORE = 'ampoule:restore'
const CHANGED = 'ampoule:changed'

describe('save and restore bring back', () => {
  const kinds: Record<string, { type: string; zero: string; other: string; read: string }> = {
    i32: { type: 'i32', zero: '(i32.const 1)', other: '(i32.const 2)', read: '(i32.eq (global.get 0) (i32.const 2))' },
    i64: { type: 'i64', zero: '(i64.const 1)', other: '(i64.const 2)', read: '(i64.eq (global.get 0) (i64.const 2))' },
    f32: { type: 'f32', zero: '(f32.const nan)', other: '(f32.const 2)', read: '(f32.eq (global.get 0) (f32.const 2))' },
    f64: { type: 'f64', zero: '(f64.const nan:0x123)', other: '(f64.const 2)', read: '(f64.eq (global.get 0) (f64.const 2))' },
    v128: {
      type: 'v128',
      zero: '(v128.const i64x2 1 2)',
      other: '(v128.const i64x2 1 3)',
      read: '(i64.eq (i64x2.extract_lane 1 (global.get 0)) (i64.const 3))',
    },
    funcref: { type: 'funcref', zero: '(ref.null func)', other: '(ref.func $f)', read: '(i32.eqz (ref.is_null (global.get 0)))' },
    exnref: { type: 'exnref', zero: '(ref.null exn)', other: '(call $exn)', read: '(i32.eqz (ref.is_null (global.get 0)))' },
    externref: {
      type: 'externref',
      zero: '(ref.null extern)',
      other: '(extern.convert_any (ref.i31 (i32.const 1)))',
      read: '(i32.eqz (ref.is_null (global.get 0)))',
    },
    'a reference to a function type': {
      type: '(ref null $t)',
      zero: '(ref.null $t)',
      other: '(ref.func $f)',
      read: '(i32.eqz (ref.is_null (global.get 0)))',
    },
  }
  for (const [title, { type, zero, other, read }] of Object.entries(kinds)) {
    test(`a global of type ${title}`, () => {
      const { call } = run(
        wat(`(module (type $t (func)) (tag $e) (elem declare func $f) (global (mut ${type}) ${zero}) (func $f (type $t))
          (func $exn (result exnref) (block $b (result exnref) (try_table (catch_all_ref $b) (throw $e)) (unreachable)))
          (func (export "write") (global.set 0 ${other})) (func (export "written") (result i32) ${read}))`),
      )
      call(SAVE)
      expect(call(CHANGED)).toBe(0)
      call('write')
      expect(call('written')).toBe(1)
      expect(call(CHANGED)).toBe(1)
      call(RESTORE)
      expect(call('written')).toBe(0)
      expect(call(CHANGED)).toBe(0)
    })
  }

  test('a global that is never null', () => {
    const { call } = run(
      wat(`(module (type $t (func (result i32))) (elem declare func $f $g)
        (func $f (type $t) (i32.const 1)) (func $g (type $t) (i32.const 2)) (global (mut (ref $t)) (ref.func $f))
        (func (export "write") (global.set 0 (ref.func $g))) (func (export "read") (result i32) (call_ref $t (global.get 0))))`),
    )
    call(SAVE)
    call('write')
    expect(call('read')).toBe(2)
    call(RESTORE)
    expect(call('read')).toBe(1)
  })

  const writes: Record<string, string> = {
    'table.set': '(table.set 0 (i32.const 1) (ref.func $g))',
    'table.fill': '(table.fill 0 (i32.const 0) (ref.func $g) (i32.const 3))',
    'table.copy': '(table.copy 0 0 (i32.const 1) (i32.const 2) (i32.const 1))',
    'table.init': '(table.init 0 $late (i32.const 1) (i32.const 0) (i32.const 1))',
  }
  for (const [name, write] of Object.entries(writes)) {
    test(`a table after ${name}, as often as it is written`, () => {
      const { call, exports } = run(
        wat(`(module (type $t (func (result i32))) (table (export "t") 3 funcref) (elem (i32.const 0) $f $f $g) (elem $late func $g)
          (func $f (type $t) (i32.const 1)) (func $g (type $t) (i32.const 2))
          (func (export "write") ${write}) (func (export "read") (result i32) (call_indirect (type $t) (i32.const 1))))`),
      )
      call(SAVE)
      for (let round = 0; round < 3; round++) {
        expect(call('read')).toBe(1)
        call('write')
        expect(call('read')).toBe(2)
        expect(call(CHANGED)).toBe(2)
        call(RESTORE)
        expect(call(CHANGED)).toBe(0)
        expect(table(exports['t']).length).toBe(3)
      }
    })
  }

  test('a table of references that are never null', () => {
    const { call } = run(
      wat(`(module (type $t (func (result i32))) (func $f (type $t) (i32.const 1)) (func $g (type $t) (i32.const 2)) (elem declare func $g)
        (table 4 (ref $t) (ref.func $f)) (func (export "write") (table.set 0 (i32.const 1) (ref.func $g)))
        (func (export "read") (result i32) (call_ref $t (table.get 0 (i32.const 1)))))`),
    )
    call(SAVE)
    call('write')
    expect(call('read')).toBe(2)
    call(RESTORE)
    expect(call('read')).toBe(1)
  })

  test('a dropped data segment', () => {
    const { call } = run(
      wat(`(module (memory 1) (data $d "abc") (func (export "init") (param i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
        (func (export "drop") (data.drop $d)))`),
    )
    call(SAVE)
    call('drop')
    expect(() => call('init', 1)).toThrow(WebAssembly.RuntimeError)
    call('init', 0)
    expect(call(CHANGED)).toBe(1)
    call(RESTORE)
    call('init', 3)
    expect(call(CHANGED)).toBe(0)
  })

  test('a dropped element segment, also for arrays made from it', () => {
    const { call } = run(
      wat(`(module (type $a (array (mut funcref))) (table 3 funcref) (elem $e func $f) (func $f)
        (func (export "init") (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))
        (func (export "array") (param i32) (result i32) (array.len (array.new_elem $a $e (i32.const 0) (local.get 0))))
        (func (export "drop") (elem.drop $e)))`),
    )
    call(SAVE)
    call('drop')
    expect(() => call('init')).toThrow(WebAssembly.RuntimeError)
    expect(() => call('array', 1)).toThrow(WebAssembly.RuntimeError)
    expect(call('array', 0)).toBe(0)
    call(RESTORE)
    call('init')
    expect(call('array', 1)).toBe(1)
  })

  test('the virtual size of a memory, which then grows again within its real size', () => {
    const asked: string[] = []
    const { call, exports } = run(
      wat(
        '(module (memory (export "memory") 1 10) (func (export "size") (result i32) (memory.size)) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))',
      ),
      { grant: (what, index, from, to) => asked.push(`${what}${index} ${from}-${to}`) > 0 },
    )
    call(SAVE)
    expect([call('grow', 3), call('size'), call('grow', 0), call('grow', 7), call('grow', -1)]).toEqual([1, 4, 4, -1, -1])
    call(RESTORE)
    expect([call('size'), call('grow', 1), call('size')]).toEqual([1, 1, 2])
    expect(asked).toEqual(['memory0 1-4', 'memory0 1-2'])
    for (const name of ['ampoule:pages0', 'ampoule:pages:memory']) expect(exports[name]).toHaveProperty('value', 2)
  })
})

test('a table that grew says so, because it cannot go back', () => {
  const { call } = run(
    wat(
      '(module (table 1 9 funcref) (func (export "grow") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0))))',
    ),
  )
  call(SAVE)
  expect([call('grow', 0), call(CHANGED)]).toEqual([1, 0])
  expect([call('grow', 20), call(CHANGED)]).toEqual([-1, 0])
  expect(call('grow', 2)).toBe(1)
  expect(call(CHANGED)).toBe(6)
  call(RESTORE)
  expect(call(CHANGED)).toBe(4)
})

test('a host that refuses growth makes it fail as growth fails', () => {
  const { call } = run(
    wat(`(module (memory 1) (table 1 externref) (func (export "memory") (result i32) (memory.grow (i32.const 1)))
      (func (export "table") (result i32) (table.grow 0 (ref.null extern) (i32.const 1))))`),
    { grant: () => false },
  )
  expect([call('memory'), call('table')]).toEqual([-1, -1])
})

describe('bulk operations beyond the virtual size trap although the memory is really larger', () => {
  const operations: Record<string, string> = {
    'memory.fill': '(memory.fill (i32.const 65530) (i32.const 1) (local.get 0))',
    'memory.copy to it': '(memory.copy (i32.const 65530) (i32.const 0) (local.get 0))',
    'memory.copy from it': '(memory.copy (i32.const 0) (i32.const 65530) (local.get 0))',
    'memory.init': '(memory.init 0 (i32.const 65530) (i32.const 0) (local.get 0))',
    'a length that wraps':
      '(memory.fill (i32.const 65530) (i32.const 1) (i32.sub (i32.const 0) (i32.sub (local.get 0) (i32.const 6))))',
  }
  for (const [title, text] of Object.entries(operations)) {
    test(`by ${title}`, () => {
      const { call } = run(
        wat(
          `(module (memory 1) (data "0123456789") (func (export "go") (param i32) ${text}) (func (export "grow") (drop (memory.grow (i32.const 1)))))`,
        ),
      )
      call(SAVE)
      call('go', 6)
      expect(() => call('go', 7)).toThrow(WebAssembly.RuntimeError)
      if (!title.includes('wraps')) {
        call('grow')
        call('go', 7)
        call(RESTORE)
        expect(() => call('go', 7)).toThrow(WebAssembly.RuntimeError)
      }
    })
  }
})

describe('what restore cannot bring back is reported', () => {
  const cases: Record<string, { text: string; reason: RegExp }> = {
    'a shared memory': { text: '(memory 1 2 shared)', reason: /memory 0 is shared/ },
    'GC references in a global': {
      text: '(type $s (struct (field (mut i32)))) (global (ref $s) (struct.new_default $s))',
      reason: /global 0 holds/,
    },
    'host references in a table': { text: '(table 1 externref)', reason: /table 0 holds externref/ },
    'GC references in an element segment': {
      text: '(type $s (struct (field (mut i32)))) (elem (ref $s) (item (struct.new_default $s)))',
      reason: /element segment 0 holds/,
    },
  }
  for (const [title, { text, reason }] of Object.entries(cases)) {
    test(`such as ${title}`, () => {
      expect(instrumentModule(wat(`(module ${text} (func))`)).report.unrestorable.join()).toMatch(reason)
    })
  }

  test('and functions and i31 are not among it', () => {
    const text = '(module (type $t (func)) (global (mut i31ref) (ref.null i31)) (table 1 funcref) (table 1 (ref null $t)) (func))'
    expect(instrumentModule(wat(text)).report.unrestorable).toEqual([])
  })
})

describe('what no memory limit covers is reported', () => {
  const cases: Record<string, { text: string; reason: RegExp }> = {
    'a GC struct': {
      text: '(type $s (struct (field i32))) (func (drop (struct.new_default $s)))',
      reason: /struct\.new_default\) takes memory of the host/,
    },
    'a GC array': {
      text: '(type $a (array (mut i64))) (func (drop (array.new_default $a (i32.const 9))))',
      reason: /array\.new_default\) takes memory of the host/,
    },
    'an exception that can carry another': { text: '(tag (param i32 exnref)) (func)', reason: /tag 0 carry a reference/ },
    'a big exception': { text: '(tag (param v128 v128 v128 v128 i32)) (func)', reason: /tag 0 carry 72 bytes, more than 64/ },
  }
  for (const [title, { text, reason }] of Object.entries(cases)) {
    test(`such as ${title}`, () => {
      expect(instrumentModule(wat(`(module ${text})`)).report.unlimited.join()).toMatch(reason)
    })
  }

  test('and small exceptions, i31 and references to functions are not among it', () => {
    const text = `(module (tag $e (param i32 i64)) (func $f (local exnref funcref i31ref)
      (local.set 1 (ref.func $f)) (local.set 2 (ref.i31 (i32.const 1))) (throw $e (i32.const 1) (i64.const 2))))`
    expect(instrumentModule(wat(text)).report.unlimited).toEqual([])
  })
})

test('two modules that share a memory and a table see one virtual size and one dirty flag', () => {
  const owner = run(
    wat(`(module (memory (export "m") 1) (table (export "t") 2 funcref) (func (export "size") (result i32) (memory.size)))`),
  )
  const user = run(
    wat(`(module (import "o" "m" (memory 1)) (import "o" "t" (table 2 funcref)) (func $f)
      (func (export "grow") (result i32) (memory.grow (i32.const 1))) (func (export "size") (result i32) (memory.size))
      (func (export "set") (table.set 0 (i32.const 0) (ref.func $f))) (func (export "widen") (result i32) (table.grow 0 (ref.null func) (i32.const 1)))
      (elem declare func $f))`),
    { imports: { o: owner.exports } },
  )
  owner.call(SAVE)
  expect([user.call('grow'), user.call('size'), owner.call('size')]).toEqual([1, 2, 2])
  user.call('set')
  expect(owner.call(CHANGED)).toBe(3)
  owner.call(RESTORE)
  expect([user.call('size'), owner.call(CHANGED), table(owner.exports['t']).get(0)]).toEqual([1, 0, null])
  expect([user.call('widen'), owner.call(CHANGED)]).toEqual([2, 6])
})

test('detached from its initialisation, a module writes no memory, runs no start function and behaves the same afterwards', () => {
  const bytes =
    wat(`(module (memory (export "memory") 1) (data (i32.const 5) "abc") (data $p "xyz") (global $g (export "g") (mut i32) (i32.const 0))
    (table (export "t") 1 funcref) (elem (i32.const 0) $s) (func $s (global.set $g (i32.const 7))) (start $s)
    (func (export "init") (param i32) (memory.init $p (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "active") (param i32) (memory.init 0 (i32.const 0) (i32.const 0) (local.get 0))))`)
  const { bytes: detached, segments, start } = detachInitialisation(bytes)
  expect({ segments, start }).toEqual({
    segments: [{ memory: 0, offset: 5, bytes: new TextEncoder().encode('abc') }],
    start: true,
  })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(detached))
  const call = (name: string, argument: number): unknown => (exports[name] as (n: number) => unknown)(argument)
  const global = exports['g']
  const memory = exports['memory']
  if (!(global instanceof WebAssembly.Global) || !(memory instanceof WebAssembly.Memory))
    throw new TypeError('exports are missing')
  expect(global.value).toBe(0)
  expect(new Uint8Array(memory.buffer, 5, 3)).toEqual(new Uint8Array(3))
  expect(table(exports['t']).get(0)).toBeTypeOf('function')
  call('init', 3)
  call('active', 0)
  expect(() => call('active', 1)).toThrow(WebAssembly.RuntimeError)
})

test('a module without code that passes a memory and a table on passes their companions on', () => {
  const owner = run(
    wat('(module (memory (export "m") 1) (table (export "t") 2 funcref) (func (export "size") (result i32) (memory.size)))'),
  )
  const between = run(
    wat('(module (import "o" "m" (memory 1)) (import "o" "t" (table 2 funcref)) (export "x" (memory 0)) (export "y" (table 0)))'),
    {
      imports: { o: owner.exports },
    },
  )
  const user = run(
    wat(
      '(module (import "b" "x" (memory 1)) (func (export "grow") (result i32) (memory.grow (i32.const 2))) (func (export "size") (result i32) (memory.size)))',
    ),
    { imports: { b: between.exports } },
  )
  owner.call(SAVE)
  expect([user.call('grow'), user.call('size'), owner.call('size')]).toEqual([1, 3, 3])
  owner.call(RESTORE)
  expect(user.call('size')).toBe(1)
})

test('the copy of a table at its first write is charged once, and the fuel of its function goes on counting', () => {
  const { call, used } = run(
    wat(`(module (table 1000 externref) (func (export "go") (param i32) (result i32)
      (loop $l (table.set 0 (i32.const 1) (ref.null extern)) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 1)))`),
  )
  const fuelOf = (turns: number): bigint => {
    const before = used()
    call('go', turns)
    return used() - before
  }
  call(SAVE)
  const first = fuelOf(10)
  const second = fuelOf(10)
  expect(first - second).toBeGreaterThan(100_000n)
  expect(second).toBeGreaterThanOrEqual(30n)
  expect(fuelOf(20)).toBeGreaterThan(second)
  call(RESTORE)
  expect(fuelOf(10)).toBe(first)
})
