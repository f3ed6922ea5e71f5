import { describe, expect, test } from 'vitest'
import { didYouMean, nearest } from '../../src/functions/suggest.ts'

describe('suggestions', () => {
  test.each([
    ['helo', 'hello'],
    ['Hello', 'hello'],
    ['hlelo', 'hello'],
    ['env', 'environment'],
    ['timeout', 'timeoutMs'],
  ])('%s means %s', (typed, meant) => {
    expect(nearest(typed, ['hello', 'environment', 'timeoutMs', 'memoryMb'])).toBe(meant)
  })

  test('nothing is suggested when nothing is near', () => {
    expect(nearest('xyz', ['hello', 'timeoutMs'])).toBeUndefined()
    expect(didYouMean('', ['hello'])).toBe('')
    expect(nearest('hello', [])).toBeUndefined()
  })

  test('the nearest of several wins', () => {
    expect(nearest('port', ['ports', 'poor', 'port'])).toBe('port')
  })

  test('candidates may come from an iterator that can be read only once', () => {
    expect(nearest('helo', new Map([['hello', 1]]).keys())).toBe('hello')
  })
})
