import { describe, expect, test } from 'vitest'
import { plugHoles } from '../../src/engine/plug.ts'

/** First fit: holes as [address, bytes], then the heap's end. */
function allocator(holes: [number, number][], end: number) {
  const given: number[] = []
  return {
    given,
    holes,
    realloc(_pointer: number, _size: number, _align: number, bytes: number): number {
      const hole = holes.find(([, room]) => room >= bytes)
      const at = hole?.[0] ?? end
      if (hole === undefined) end += bytes
      else {
        hole[0] += bytes
        hole[1] -= bytes
      }
      given.push(at)
      return at
    },
  }
}

describe('plugging the holes of a heap', () => {
  test('leaves none that an allocation of eight bytes or more fits into', () => {
    const heap = allocator([[5000, 40], [1024, 24], [9000, 20_000], [3000, 100]], 65_536) // prettier-ignore
    plugHoles(heap)
    expect(heap.holes.filter(([, room]) => room >= 8)).toEqual([])
  })

  test('takes little from the end of a heap without holes', () => {
    const heap = allocator([], 65_536)
    plugHoles(heap)
    expect(heap.given).toHaveLength(40)
    expect(heap.given.at(-1)! - 65_536).toBeLessThan(64 * 1024)
  })

  test('ends for an allocator whose addresses fall', () => {
    let next = 2 ** 31
    expect(() => {
      plugHoles({ realloc: (_pointer, _size, _align, bytes) => (next -= bytes) })
    }).not.toThrow()
  })
})
