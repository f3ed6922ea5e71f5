import { describe, expect, test } from 'vitest'
import { isFunctionName } from '../../src/functions/name.ts'

describe('names of functions', () => {
  test.each(['a', 'A-b_9', '-', 'x'.repeat(64)])('%s is one', (name) => expect(isFunctionName(name)).toBe(true))
  test.each(['', 'x'.repeat(65), 'a b', 'ä', 'a/b', 'a.b', 'a\n', '_ampoule', '%61'])('%j is none', (name) =>
    expect(isFunctionName(name)).toBe(false),
  )
})
