import fc from 'fast-check'
import { SourceMap } from 'node:module'
import { describe, expect, test } from 'vitest'
import { areMappings } from '../../src/build/mappings.ts'

const ONE = { sources: 1, names: 1 }

describe('the mappings of a source map', () => {
  test.each(['', ';;;', 'A', 'AAAA', 'AAAAA', 'AAAA,CAAC;AACA', 'A,,A;;A', 'gBAAA', '+/////D'])('may be %j', (mappings) => {
    expect(areMappings(mappings, ONE)).toBe(true)
  })

  test.each([
    ['end within a number', 'AAAg'],
    ['have two numbers in a segment', 'AA'],
    ['have three numbers in a segment', 'AAA;'],
    ['have six numbers in a segment', 'AAAAAA'],
    ['have another character', 'AAA!'],
    ['have a character beyond the digits', 'AAAé'],
    ['lead to a source that there is not', 'ACAA'],
    ['lead to a source before the first', 'ADAA'],
    ['lead to a name that there is not', 'AAAAC'],
    ['lead to a line before the first', 'AADA'],
    ['lead to a column before the first', 'AAAD'],
    ['begin before the line', 'D'],
    ['have a number beyond 31 bits', '+/////H'],
    ['have a negative zero', 'AABA'],
    ['have a number without an end', 'gggggggggggggggg'],
  ])('may not %s', (_, mappings) => {
    expect(areMappings(mappings, ONE)).toBe(false)
  })

  test('are taken where Node.js reads them within bounds, whatever they are made of', () => {
    const text = fc.array(fc.constantFrom('A', 'C', 'D', 'E', 'g', 'B', ';', ','), { maxLength: 40 }).map((all) => all.join(''))
    fc.assert(
      fc.property(text, (mappings) => {
        if (!areMappings(mappings, { sources: 3, names: 3 })) return
        const map = new SourceMap({
          version: 3,
          file: '',
          sourceRoot: '',
          names: ['a', 'b', 'c'],
          sources: ['0', '1', '2'],
          sourcesContent: [],
          mappings,
        })
        for (let line = 0; line < 3; line++) {
          const entry = map.findEntry(line, 5)
          if (!('originalSource' in entry) || entry.originalSource === undefined) continue
          expect(['0', '1', '2']).toContain(entry.originalSource)
          expect(entry.originalLine).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })
})
