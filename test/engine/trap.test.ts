import { expect, test } from 'vitest'
import { describeTrap } from '../../src/engine/trap.ts'

/** A module whose export `f` is this code; it has a page of memory and a table of one null. */
function run(code: readonly number[]): string {
  const body = [0, ...code, 0x0b]
  const module = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [1, 4, 1, 0x60, 0, 0],
    [3, 2, 1, 0],
    [4, 4, 1, 0x70, 0, 1],
    [5, 3, 1, 0, 1],
    [7, 5, 1, 1, 0x66, 0, 0],
    [10, body.length + 2, 1, body.length, ...body],
  ].flat()
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(module))).exports
  try {
    if (typeof f === 'function') f()
  } catch (error) {
    return describeTrap((error as Error).message)
  }
  return 'no trap'
}

test.each([
  ['unreachable', [0x00], 'must not be reached'],
  ['an address outside of the memory', [0x41, 0x7f, 0x28, 2, 0, 0x1a], 'outside its memory'],
  ['a division by zero', [0x41, 1, 0x41, 0, 0x6d, 0x1a], 'divided an integer by zero'],
  ['a remainder by zero', [0x41, 1, 0x41, 0, 0x6f, 0x1a], 'divided an integer by zero'],
  ['an overflowing division', [0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x41, 0x7f, 0x6d, 0x1a], 'overflow'],
  ['a float that no integer holds', [0x43, 0, 0, 0x80, 0x7f, 0xa8, 0x1a], 'cannot hold it'],
  ['a call of a null function', [0x41, 0, 0x11, 0, 0], 'null or of another type'],
  ['a call beyond the table', [0x41, 50, 0x11, 0, 0], 'points to no function'],
] as const)('what V8 says of %s is told in words', (_, code, words) => {
  expect(run(code)).toContain(words)
})

test('a trap of a kind that is not known is passed on', () => {
  expect(describeTrap('something new')).toBe('something new')
})
