import { describe, expect, it } from 'vitest'
import { LineSplitter } from '../../src/engine/lines.ts'

const lines = (...writes: string[]): string[] => {
  const seen: string[] = []
  const splitter = new LineSplitter((line) => seen.push(line))
  for (const text of writes) splitter.write(Buffer.from(text))
  splitter.flush()
  return seen
}

describe('what a guest writes to a standard stream', () => {
  it('becomes lines, whatever the pieces', () => {
    expect(lines('a\nb', 'c\n', '\nlast')).toEqual(['a', 'bc', '', 'last'])
  })

  it('gives no line for nothing', () => {
    expect(lines()).toEqual([])
    expect(lines('x\n')).toEqual(['x'])
  })

  it('is cut into pieces of 16 KiB where a line is longer, with nothing lost', () => {
    const seen = lines('x'.repeat(40_000) + '\ny')
    expect(seen.map((line) => line.length)).toEqual([16_384, 16_384, 7_232, 1])
  })

  it('keeps characters that arrive in two pieces whole', () => {
    const seen: string[] = []
    const splitter = new LineSplitter((line) => seen.push(line))
    const bytes = Buffer.from('grün\n')
    splitter.write(bytes.subarray(0, 3))
    splitter.write(bytes.subarray(3))
    expect(seen).toEqual(['grün'])
  })
})
