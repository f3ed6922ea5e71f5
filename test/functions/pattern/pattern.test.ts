import { describe, expect, it } from 'vitest'
import { readPattern } from '../../../src/functions/pattern/pattern.ts'

const matches = (pattern: object, event: unknown): boolean => readPattern(JSON.stringify(pattern))(event)

describe('a pattern', () => {
  it.each<[string, object, unknown, boolean]>([
    ['a text', { a: ['x'] }, { a: 'x' }, true],
    ['another text', { a: ['x'] }, { a: 'y' }, false],
    ['one of several texts', { a: ['x', 'y'] }, { a: 'y' }, true],
    ['a number', { a: [1] }, { a: 1 }, true],
    ['a number as a text', { a: [1] }, { a: '1' }, false],
    ['null', { a: [null] }, { a: null }, true],
    ['null where there is nothing', { a: [null] }, {}, false],
    ['an empty text', { a: [''] }, { a: '' }, true],
    ['true', { a: [true] }, { a: true }, true],
    ['two fields of which one is other', { a: ['x'], b: ['y'] }, { a: 'x', b: 'z' }, false],
    ['a nested field', { a: { b: ['x'] } }, { a: { b: 'x' } }, true],
    ['a nested field of an item of a list', { a: { b: ['x'] } }, { a: [{ b: 'y' }, { b: 'x' }] }, true],
    ['an item of a list', { a: ['x'] }, { a: ['y', 'x'] }, true],
    ['a field that is inherited', { constructor: [{ exists: true }] }, {}, false],
    ['one of $or', { $or: [{ a: ['x'] }, { b: [{ numeric: ['>', 1] }] }] }, { a: 'z', b: 2 }, true],
    ['none of $or', { $or: [{ a: ['x'] }, { b: ['y'] }] }, { a: 'z', b: 2 }, false],
    ['exists', { a: [{ exists: true }] }, { a: null }, true],
    ['exists not', { a: [{ exists: false }] }, { b: 1 }, true],
    ['exists not, where it does', { a: [{ exists: false }] }, { a: 1 }, false],
    ['prefix', { a: [{ prefix: 'ab' }] }, { a: 'abc' }, true],
    ['prefix without case', { a: [{ prefix: { 'equals-ignore-case': 'AB' } }] }, { a: 'abc' }, true],
    ['suffix', { a: [{ suffix: '.png' }] }, { a: 'a.png' }, true],
    ['suffix of a number', { a: [{ suffix: '1' }] }, { a: 1 }, false],
    ['equals-ignore-case', { a: [{ 'equals-ignore-case': 'ABC' }] }, { a: 'abc' }, true],
    ['anything-but', { a: [{ 'anything-but': 'x' }] }, { a: 'y' }, true],
    ['anything-but itself', { a: [{ 'anything-but': ['x', 1] }] }, { a: 1 }, false],
    ['anything-but where there is nothing', { a: [{ 'anything-but': 'x' }] }, {}, false],
    ['anything-but a prefix', { a: [{ 'anything-but': { prefix: 'x' } }] }, { a: 'xy' }, false],
    ['anything-but suffixes', { a: [{ 'anything-but': { suffix: ['.a', '.b'] } }] }, { a: 'x.c' }, true],
    ['anything-but in a list that has it', { a: [{ 'anything-but': 'x' }] }, { a: ['x', 'y'] }, false],
    ['numeric in a range', { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }, true],
    ['numeric out of the range', { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 0 }, false],
    ['numeric equality', { a: [{ numeric: ['=', 3.018e2] }] }, { a: 301.8 }, true],
    ['wildcard', { a: [{ wildcard: 'dir/*/c*.png' }] }, { a: 'dir/b/cc.png' }, true],
    ['wildcard whose ends overlap', { a: [{ wildcard: 'ab*ba' }] }, { a: 'aba' }, false],
    ['wildcard with a star', { a: [{ wildcard: 'a\\*b' }] }, { a: 'a*b' }, true],
    ['wildcard with a star only', { a: [{ wildcard: 'a\\*b' }] }, { a: 'axb' }, false],
    ['cidr', { a: [{ cidr: '10.0.0.0/24' }] }, { a: '10.0.0.255' }, true],
    ['cidr outside', { a: [{ cidr: '10.0.0.0/24' }] }, { a: '10.0.1.0' }, false],
    ['cidr of IPv6', { a: [{ cidr: '2001:db8::/32' }] }, { a: '2001:db8:1::1' }, true],
  ])('of %s', (_, pattern, event, expected) => {
    expect(matches(pattern, event)).toBe(expected)
  })

  it('of stars takes no longer for a text that nearly matches', () => {
    expect(matches({ a: [{ wildcard: `${'a*'.repeat(100)}b` }] }, { a: 'a'.repeat(100_000) })).toBe(false)
  })

  it.each<[string, string, RegExp]>([
    ['no JSON', '{', /^the pattern is not JSON/],
    ['no object', '[]', /^the pattern must be a JSON object/],
    ['nothing', '{}', /^the pattern must not be empty/],
    ['a value without a list', '{"a":{"b":"x"}}', /^a\.b must be a list of values, or an object/],
    ['an empty list', '{"a":[]}', /^a must not be an empty list/],
    ['an operator that there is not', '{"a":[{"like":"x"}]}', /^a\[0\]\.like is no operator: there are anything-but/],
    ['two operators at once', '{"a":[{"prefix":"x","suffix":"y"}]}', /^a\[0\] must have exactly one operator/],
    ['a comparison that there is not', '{"a":[{"numeric":["!=",1]}]}', /^a\[0\]\.numeric\[0\] must be one of = < <= > >=/],
    ['a bound that is no number', '{"a":[{"numeric":[">","1"]}]}', /^a\[0\]\.numeric\[1\] must be a number/],
    ['a range that is none', '{"a":[{"cidr":"10.0.0.0/33"}]}', /^a\[0\]\.cidr must be a range of addresses/],
    ['two stars in a row', '{"a":[{"wildcard":"a**"}]}', /^a\[0\]\.wildcard must not have two \* in a row/],
    ['lists in $or', '{"$or":[["a"],["b"]]}', /^\$or\[0\] must be a text/],
    ['levels without end', `${'{"a":'.repeat(40)}["x"]${'}'.repeat(40)}`, /is nested deeper than 32/],
  ])('with %s is refused, with the place', (_, pattern, message) => {
    expect(() => readPattern(pattern)).toThrow(message)
  })
})
