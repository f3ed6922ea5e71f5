import { expect, test } from 'vitest'
import { instrumentModule } from '../../src/wasm/index.ts'
import * as op from '../../src/wasm/opcodes.ts'
import { sections } from './text.ts'

/** A module that has one of everything, with this code in its only function; `unreachable` before it makes any operand fit. */
function surrounded(code: readonly number[]): Uint8Array<ArrayBuffer> {
  const content = [0, 0x00, ...code, 0x00, 0x0b]
  return sections(
    // Types: 0 () -> (), 1 a struct, 2 an array of i32, 3 an array of funcref, 4 (i32) -> ().
    [1, 5, 0x60, 0, 0, 0x5f, 1, 0x7f, 1, 0x5e, 0x7f, 1, 0x5e, 0x70, 1, 0x60, 1, 0x7f, 0],
    [3, 1, 0],
    [4, 1, 0x70, 0, 1],
    [5, 1, 3, 1, 2],
    [13, 1, 0, 4],
    [6, 1, 0x7f, 1, 0x41, 0, 0x0b],
    [7, 1, 1, 0x66, 0, 0],
    [9, 1, 1, 0, 1, 0],
    [12, 1],
    [10, 1, (content.length & 0x7f) | 0x80, content.length >> 7, ...content],
    [11, 1, 1, 0],
  )
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)

/** Atomic accesses must state their natural alignment. */
function atomicAlign(name: string): number {
  const narrow = /(8|16|32)(?:_u|\.|$)/.exec(name.replace(/^i(32|64)\.atomic/, ''))?.[1]
  if (name === 'memory.atomic.notify' || name === 'memory.atomic.wait32') return 2
  if (name === 'memory.atomic.wait64') return 3
  return narrow === undefined ? (name.startsWith('i64') ? 3 : 2) : Math.log2(Number(narrow) / 8)
}

function immediates(slot: number, kind: number, name: string): number[] | undefined {
  const arrayType = name.endsWith('_elem') ? 3 : 2
  switch (kind) {
    case op.NONE:
      return []
    case op.MEMARG:
      return slot >= op.PREFIX_THREADS ? [atomicAlign(name), 0] : [0, 0]
    case op.MEMARG_LANE:
      return zeros(3)
    case op.BYTES4:
      return zeros(4)
    case op.BYTES8:
      return zeros(8)
    case op.BYTES16:
      return zeros(16)
    case op.HEAP:
      return [name === 'ref.null' ? 0x70 : 0x6c]
    case op.SELECT_TYPES:
      return [1, 0x70]
    case op.BR_TABLE:
      return [1, 0, 0]
    case op.CAST_BRANCH:
      return [3, 0, 0x6e, 0x6c]
    case op.TYPE:
      return [name.startsWith('struct') ? 1 : name.startsWith('array') ? arrayType : 0]
    case op.TYPE_FIELD:
      return [1, 0]
    case op.TYPE_COUNT:
      return [2, 1]
    case op.TYPE_TYPE:
      return [2, 2]
    case op.TYPE_DATA:
    case op.TYPE_ELEM:
      return [arrayType, 0]
    case op.LABEL:
    case op.FUNC:
    case op.GLOBAL:
    case op.TABLE:
    case op.MEMORY:
    case op.VAR32:
    case op.VAR64:
    case op.LANE:
    case op.DATA:
    case op.ELEM:
    case op.FENCE:
      return [0]
    case op.TAG:
      return name === 'throw' ? [0] : undefined
    case op.CALL_INDIRECT:
    case op.DATA_MEMORY:
    case op.MEMORY_MEMORY:
    case op.ELEM_TABLE:
    case op.TABLE_TABLE:
      return [0, 0]
    default:
      return undefined
  }
}

function encoded(slot: number): number[] {
  if (slot < op.PREFIX_GC) return [slot]
  const code = (slot - op.PREFIX_GC) % 512
  const prefix = 0xfb + Math.floor((slot - op.PREFIX_GC) / 512)
  return code < 128 ? [prefix, code] : [prefix, (code & 0x7f) | 0x80, code >> 7]
}

/** Control that needs a partner, a label of the right type, packed fields or locals; other tests walk these. */
const ELSEWHERE =
  /^(block|loop|if|else|try|catch|catch_all|delegate|rethrow|end|try_table|local\..*|br_on_.*|(struct|array)\.get_[su])$/

test('every instruction of the table is one that V8 knows with these immediates, and its instrumented form is valid', () => {
  const { immediates: kinds, names } = op.opcodeTables()
  let checked = 0
  for (const [slot, name] of names.entries()) {
    if (name === undefined || ELSEWHERE.test(name)) continue
    const rest = immediates(slot, kinds[slot]!, name)
    if (rest === undefined) continue
    const bytes = surrounded([...encoded(slot), ...rest])
    expect(WebAssembly.validate(bytes), `V8 accepts ${op.describeOpcode(slot)}`).toBe(true)
    expect(WebAssembly.validate(instrumentModule(bytes).bytes), `instrumented ${op.describeOpcode(slot)}`).toBe(true)
    checked++
  }
  expect(checked).toBeGreaterThan(480)
})

test('every instruction that V8 accepts is in the table', () => {
  const { names } = op.opcodeTables()
  const missing: string[] = []
  for (const [slot, name] of names.entries()) {
    const prefixByte = slot < op.PREFIX_GC && slot >= 0xfb
    if (name !== undefined || prefixByte) continue
    const accepted = [0, 1, 2, 3, 4, 8, 16].some((count) => WebAssembly.validate(surrounded([...encoded(slot), ...zeros(count)])))
    if (accepted) missing.push(op.describeOpcode(slot))
  }
  expect(missing).toEqual([])
})
