import { describe, expect, test } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { inspectModule, instrumentModule } from '../../src/wasm/index.ts'
import { seededBytes } from './random-modules.ts'
import { body, sections, wat } from './text.ts'

/** The error that instrumenting raises; anything but an InvalidModule fails the test. */
function refusal(bytes: Uint8Array): string {
  try {
    instrumentModule(bytes)
  } catch (error) {
    if (error instanceof AmpouleError && error.code === 'InvalidModule') return error.message
    throw error
  }
  return 'accepted'
}

describe('what is not walked is refused by opcode and offset', () => {
  const cases: Record<string, { code: number[]; message: RegExp }> = {
    'stack switching': { code: [0xe0, 0], message: /opcode 0xe0 at byte 26/ },
    'wide arithmetic': { code: [0xfc, 19], message: /opcode 0xfc 0x13 at byte 26/ },
    'half precision': { code: [0xfd, 0xa0, 0x02], message: /opcode 0xfd 0x120 at byte 26/ },
    'custom descriptors': { code: [0xfb, 34, 0], message: /opcode 0xfb 0x22 at byte 26/ },
    strings: { code: [0xfb, 0x80, 0x01], message: /opcode 0xfb 0x80 at byte 26/ },
    'shared everything': { code: [0xfe, 0x4f, 0, 0], message: /opcode 0xfe 0x4f at byte 26/ },
    'a prefix beyond the table': { code: [0xfc, 0xff, 0xff, 0x03], message: /opcode 0xfc 0xffff at byte 26/ },
    'an opcode that nobody has': { code: [0x27], message: /opcode 0x27 at byte 26/ },
  }
  for (const [title, { code, message }] of Object.entries(cases)) {
    test(`namely ${title}`, () => {
      expect(refusal(body(...code))).toMatch(message)
    })
  }

  test('a component', () => {
    expect(refusal(new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]))).toMatch(/version|core module/)
  })

  test('a custom page size', () => {
    expect(refusal(sections([5, 1, 8, 1, 0]))).toMatch(/limits flags 0x8/)
  })

  test('a module that is instrumented already', () => {
    const once = instrumentModule(wat('(module (memory 1) (func (export "f")))')).bytes
    expect(refusal(once)).toMatch(/instrumented already/)
  })

  test('a function body beyond the limit, before and after', () => {
    const bytes = wat(`(module (func $f) (func ${'(call $f)'.repeat(500)}))`)
    expect(() => instrumentModule(bytes, { maxFunctionBytes: 900 })).toThrow(/function 1 takes \d+ bytes.*maxFunctionBytes.*900/)
    expect(() => instrumentModule(bytes, { maxFunctionBytes: 2000 })).toThrow(/maxFunctionBytes/)
    expect(instrumentModule(bytes, { maxFunctionBytes: 20_000 }).report.largestFunctionBytes).toBeGreaterThan(2000)
  })
})

describe('a guest cannot reach what is added to its module', () => {
  const cases: Record<string, { code: number[]; message: RegExp }> = {
    'the local with the fuel': { code: [0x42, 0, 0x21, 0], message: /unknown local 0/ },
    'the global with the fuel': { code: [0x42, 0, 0x24, 0], message: /unknown global 0/ },
    'an injected function': { code: [0x10, 1], message: /unknown func 1/ },
    'an injected function by tail call': { code: [0x12, 1], message: /unknown func 1/ },
    'a reference to an injected function': { code: [0xd2, 3, 0x1a], message: /unknown func 3/ },
    'an injected type': { code: [0x02, 1, 0x0b], message: /unknown type 1/ },
    'the copy of a table': { code: [0x41, 0, 0x25, 0, 0x1a], message: /unknown table 0/ },
    'a memory that is not there': { code: [0x3f, 0, 0x1a], message: /unknown memory 0/ },
    'the wrapper around its body': { code: [0x03, 0x40, 0x0c, 2, 0x0b], message: /unknown label 2/ },
    'ill-typed code': { code: [0x6a], message: /i32.add|invalid/ },
  }
  for (const [title, { code, message }] of Object.entries(cases)) {
    test(`not even ${title}`, () => {
      expect(refusal(body(...code))).toMatch(message)
    })
  }
})

describe('malformed bytes give InvalidModule and nothing else', () => {
  const whole =
    wat(`(module (type $s (struct (field (mut i32)))) (memory 1) (table 2 funcref) (tag $e (param i32)) (global $g (mut i64) (i64.const 5))
    (elem (i32.const 0) $f $f) (data (i32.const 3) "abcdef") (data $p "xyz")
    (func $f (export "f") (param i32) (result i32) (local f64)
      (loop $l (if (i32.eqz (local.get 0)) (then (memory.init $p (i32.const 0) (i32.const 0) (i32.const 1)))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (block $b (result i32) (try_table (result i32) (catch $e $b) (throw $e (call_indirect (type $t) (i32.const 1) (i32.const 0))))))
    (type $t (func (param i32) (result i32))))`)

  test('in every prefix of a module', () => {
    for (let length = 0; length < whole.length; length++) {
      // A cut between two sections may leave a smaller module that is valid.
      const message = refusal(whole.slice(0, length))
      if (message === 'accepted') expect(WebAssembly.validate(whole.slice(0, length))).toBe(true)
    }
    expect(refusal(whole)).toBe('accepted')
  })

  test('in 20,000 modules with damaged bytes, and what is accepted is valid before and after', () => {
    const random = seededBytes(1, 20_000 * 6)
    let accepted = 0
    for (let round = 0; round < 20_000; round++) {
      const [where, high, value, more, whereToo, valueToo] = random.subarray(round * 6, round * 6 + 6)
      const damaged = whole.slice()
      damaged[(where! + high! * 256) % damaged.length] = value!
      if (more! > 128) damaged[(whereToo! * 3) % damaged.length] = valueToo!
      if (refusal(damaged) !== 'accepted') continue
      accepted++
      expect(WebAssembly.validate(damaged)).toBe(true)
      expect(WebAssembly.validate(instrumentModule(damaged).bytes)).toBe(true)
    }
    expect(accepted).toBeGreaterThan(100)
  })

  test('in counts that promise more than there is', () => {
    for (const id of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13]) {
      expect(refusal(sections([id, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toMatch(/larger than what follows|out of order/)
    }
  })

  test('in bytes that are no module at all', () => {
    for (let seed = 0; seed < 200; seed++) expect(refusal(seededBytes(seed, seed))).not.toBe('accepted')
  })

  test('for inspection too', () => {
    expect(() => inspectModule(whole.slice(0, 60))).toThrow(AmpouleError)
  })
})
