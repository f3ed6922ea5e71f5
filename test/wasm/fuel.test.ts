import { describe, expect, test } from 'vitest'
import { createHost, instantiate, instrumentModule } from '../../src/wasm/index.ts'
import { callable } from './dynamic.ts'
import { run, sections, wat } from './text.ts'

/** Small enough for a recursion to run out of it before the stack does. */
const BUDGET = 20_000n

describe('an instrumented module stops when its fuel is out', () => {
  const endless: Record<string, string> = {
    'in an empty endless loop': '(func (export "go") (loop $l (br $l)))',
    'in a loop of calls': '(func $f) (func (export "go") (loop $l (call $f) (br $l)))',
    'in endless recursion': '(func $f (export "go") (call $f))',
    'in endless tail calls': '(func $f (export "go") (return_call $g)) (func $g (return_call $f))',
    'in endless indirect tail calls':
      '(table 1 funcref) (elem (i32.const 0) $f) (type $t (func)) (func $f (export "go") (return_call_indirect (type $t) (i32.const 0)))',
    'in endless tail calls through references':
      '(type $t (func)) (elem declare func $f) (func $f (export "go") (return_call_ref $t (ref.func $f)))',
    'in a loop inside a handler':
      '(tag $e) (func $f (throw $e)) (func (export "go") (loop $l (block $b (try_table (catch_all $b) (call $f))) (br $l)))',
    'in a loop whose header catches': '(tag $e) (func (export "go") (loop $l (try_table (catch $e $l) (throw $e)) (br $l)))',
    'in a loop of a switch':
      '(func (export "go") (local i32) (loop $l (block $a (block $b (br_table $a $b $l (local.get 0)))) (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $l)))',
    'while it swallows every exception':
      '(import "env" "f" (func $f)) (func (export "go") (loop $l (block $b (try_table (catch_all $b) (call $f))) (br $l)))',
  }
  for (const [title, text] of Object.entries(endless)) {
    test(`namely ${title}`, () => {
      const imports = {
        env: {
          f: () => {
            throw new Error('refused')
          },
        },
      }
      const { call, used } = run(wat(`(module ${text})`), { fuel: BUDGET, imports })
      expect(() => call('go')).toThrow(WebAssembly.RuntimeError)
      expect(used()).toBeGreaterThan(BUDGET)
      expect(used()).toBeLessThan(BUDGET + 1000n)
      expect(() => call('go')).toThrow(WebAssembly.RuntimeError)
    })
  }

  test('in a loop around a legacy try that catches everything', () => {
    // loop; try; throw 0; catch_all; end; br 0; end
    const code = [0, 0x03, 0x40, 0x06, 0x40, 0x08, 0, 0x19, 0x0b, 0x0c, 0, 0x0b, 0x0b]
    const bytes = sections(
      [1, 1, 0x60, 0, 0],
      [3, 1, 0],
      [13, 1, 0, 0],
      [7, 1, 2, 0x67, 0x6f, 0, 0],
      [10, 1, code.length, ...code],
    )
    const { call, used } = run(bytes, { fuel: BUDGET })
    expect(() => call('go')).toThrow(WebAssembly.RuntimeError)
    expect(used()).toBeGreaterThan(BUDGET)
  })
})

describe('bulk operations are charged by length before they run', () => {
  const cases: Record<string, { text: string; value: unknown[]; unit: bigint }> = {
    'memory.fill': {
      text: '(memory 32) (func (export "go") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))',
      value: [1 << 20],
      unit: 4n,
    },
    'memory.copy': {
      text: '(memory 32) (func (export "go") (param i32) (memory.copy (i32.const 0) (i32.const 8) (local.get 0)))',
      value: [1 << 20],
      unit: 4n,
    },
    'memory.fill of a 64-bit memory': {
      text: '(memory i64 32) (func (export "go") (param i64) (memory.fill (i64.const 0) (i32.const 1) (local.get 0)))',
      value: [1n << 20n],
      unit: 4n,
    },
    'table.fill': {
      text: '(table 20000 funcref) (func (export "go") (param i32) (table.fill 0 (i32.const 0) (ref.null func) (local.get 0)))',
      value: [20_000],
      unit: 1n,
    },
    'table.copy': {
      text: '(table 20000 funcref) (func (export "go") (param i32) (table.copy (i32.const 0) (i32.const 0) (local.get 0)))',
      value: [20_000],
      unit: 1n,
    },
    'table.grow': {
      text: '(table 0 funcref) (func (export "go") (param i32) (drop (table.grow (ref.null func) (local.get 0))))',
      value: [20_000],
      unit: 1n,
    },
    'memory.grow': {
      text: '(memory 0) (func (export "go") (param i32) (drop (memory.grow (local.get 0))))',
      value: [100],
      unit: 1n,
    },
    'array.new': {
      text: '(type $a (array (mut i32))) (func (export "go") (param i32) (drop (array.new $a (i32.const 7) (local.get 0))))',
      value: [20_000],
      unit: 1n,
    },
    'array.new_default': {
      text: '(type $a (array (mut i8))) (func (export "go") (param i32) (drop (array.new_default $a (local.get 0))))',
      value: [20_000],
      unit: 1n,
    },
    'array.fill': {
      text: '(type $a (array (mut i16))) (func (export "go") (param i32) (array.fill $a (array.new_default $a (local.get 0)) (i32.const 0) (i32.const 3) (local.get 0)))',
      value: [20_000],
      unit: 1n,
    },
    'array.copy': {
      text: '(type $a (array (mut i64))) (func (export "go") (param i32) (array.copy $a $a (array.new_default $a (local.get 0)) (i32.const 0) (array.new_default $a (local.get 0)) (i32.const 0) (local.get 0)))',
      value: [20_000],
      unit: 1n,
    },
  }
  for (const [title, { text, value, unit }] of Object.entries(cases)) {
    test(`for ${title}`, () => {
      const bytes = wat(`(module ${text})`)
      const rich = run(bytes, { fuel: 10n ** 9n })
      rich.call('go', ...value)
      expect(rich.used()).toBeGreaterThanOrEqual(BigInt(String(value[0])) / unit)
      const poor = run(bytes, { fuel: 1000n })
      expect(() => poor.call('go', ...value)).toThrow(WebAssembly.RuntimeError)
      expect(poor.used()).toBeGreaterThan(1000n)
    })
  }

  test('and what is out of bounds traps without the charge', () => {
    const { call, used } = run(
      wat('(module (memory 1) (func (export "go") (memory.fill (i32.const 1) (i32.const 1) (i32.const 65536))))'),
    )
    expect(() => call('go')).toThrow(WebAssembly.RuntimeError)
    expect(used()).toBeLessThan(100n)
  })
})

describe('the fuel of straight-line code', () => {
  const fuelOf = (text: string, ...values: unknown[]): bigint => {
    const running = run(wat(`(module ${text})`))
    running.call('go', ...values)
    return running.used()
  }

  test('depends on the way taken', () => {
    const text = '(func (export "go") (param i32) (if (local.get 0) (then (drop (i32.div_s (i32.const 9) (local.get 0))))))'
    expect(fuelOf(text, 1)).toBeGreaterThan(fuelOf(text, 0))
  })

  test('is proportional to the turns of a loop', () => {
    const text = '(func (export "go") (param i32) (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))'
    const [one, many] = [fuelOf(text, 1), fuelOf(text, 1001)]
    expect(many - one).toBeGreaterThanOrEqual(1000n)
    expect(many - one).toBeLessThan(10_000n)
  })

  test('counts the work of a callee once', () => {
    const callee = '(func $f (param i32) (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))'
    const once = fuelOf(`${callee} (func (export "go") (call $f (i32.const 1000)))`)
    const twice = fuelOf(`${callee} (func (export "go") (call $f (i32.const 1000)) (call $f (i32.const 1000)))`)
    expect(twice).toBeGreaterThan(once + once / 2n)
    expect(twice).toBeLessThanOrEqual(once * 2n)
  })
})

/** The exported function itself: a wrapper in JavaScript cannot suspend. */
function exported(value: unknown): (...values: unknown[]) => unknown {
  if (!isFunction(value)) throw new TypeError('not a function')
  return value
}

function isFunction(value: unknown): value is (...values: unknown[]) => unknown {
  return typeof value === 'function'
}

describe('at the end of a slice', () => {
  const loop = wat(
    '(module (func (export "go") (param i32) (result i32) (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 42)))',
  )
  const host = (refuel: (left: bigint) => bigint, pause: (left: bigint) => bigint): WebAssembly.Exports => {
    const ampoule = { refuel, yield: pause }
    return new WebAssembly.Instance(new WebAssembly.Module(instrumentModule(loop).bytes), { ampoule }).exports
  }

  test('the host may grant the next one', () => {
    let slices = 0
    const exports = host(
      (left) => {
        expect(left).toBeLessThan(0n)
        slices++
        return 100n
      },
      () => -1n,
    )
    expect(callable(exports['go'])(1000)).toBe(42)
    expect(slices).toBeGreaterThan(10)
  })

  test('the host may ask for a yield, which is the only call of the suspending import', () => {
    let yields = 0
    const exports = host(
      () => 0n,
      () => {
        yields++
        return 1000n
      },
    )
    expect(callable(exports['go'])(1000)).toBe(42)
    expect(yields).toBeGreaterThan(0)
  })

  test('a kill cannot be caught by the guest', () => {
    const bytes = wat(
      '(module (func $spin (loop $l (br $l))) (func (export "go") (result i32) (block $b (try_table (catch_all $b) (call $spin))) (i32.const 1)))',
    )
    const { call } = run(bytes, { fuel: 1000n })
    expect(() => call('go')).toThrow(WebAssembly.RuntimeError)
  })

  test('a suspended guest goes on where it was', async () => {
    const pause = new WebAssembly.Suspending(async () => 1000n)
    const ampoule = { refuel: () => 0n, yield: pause }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(instrumentModule(loop).bytes), { ampoule })
    expect(await WebAssembly.promising(exported(exports['go']))(10_000)).toBe(42)
  })
})

describe('the counter', () => {
  const fuelOf = (exports: WebAssembly.Exports): bigint => {
    const global = exports['ampoule:fuel']
    if (!(global instanceof WebAssembly.Global)) throw new TypeError('no counter')
    return BigInt(String(global.value))
  }

  test('is a global of the module, which begins at zero and is no part of its state', () => {
    const module = instrumentModule(wat('(module (global (mut i64) (i64.const 7)) (func (export "go")))'))
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(module.bytes))
    expect(imports.filter(({ kind }) => kind === 'global')).toEqual([])
    expect(module.report.globals.map((global) => global.export)).toEqual(['ampoule:global0'])
    const ampoule = { refuel: () => 100n, yield: () => -1n }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { ampoule })
    expect(fuelOf(exports)).toBe(0n)
    callable(exports['ampoule:save'])()
    callable(exports['go'])()
    expect(fuelOf(exports)).toBe(100n)
    expect(callable(exports['ampoule:changed'])()).toBe(0)
    callable(exports['ampoule:restore'])()
    expect(fuelOf(exports)).toBe(100n)
  })

  test('is not there in a module without functions', () => {
    const { bytes } = instrumentModule(wat('(module (memory (export "m") 1))'))
    expect(WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name)).not.toContain('ampoule:fuel')
  })

  test('of the module that defines a memory pays for its growth, whoever asks', () => {
    const host = createHost({ fuel: 1_000_000n })
    const make = (text: string, imports?: WebAssembly.Imports): WebAssembly.Exports => {
      const { bytes } = instrumentModule(wat(`(module ${text})`))
      return instantiate(new WebAssembly.Module(bytes), imports, { host }).instance.exports
    }
    const owner = make('(memory (export "m") 0) (func (export "go"))')
    const grow = '(import "o" "m" (memory 0)) (func (export "grow") (drop (memory.grow (i32.const 100))))'
    const user = make(grow, { o: owner })
    callable(owner['go'])()
    const before = host.used()
    callable(user['grow'])()
    expect(host.used() - before).toBeGreaterThan(100_000n)
    expect(host.used() - before).toBeLessThan(110_000n)
    host.refill(50_000n)
    expect(() => callable(user['grow'])()).toThrow(WebAssembly.RuntimeError)
    expect(fuelOf(owner)).toBeLessThan(0n)
    expect(host.used()).toBeGreaterThan(50_000n)
  })
})
