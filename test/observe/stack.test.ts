import { describe, expect, test } from 'vitest'
import { formatFrame, parseStack } from '../../src/observe/stack.ts'

const frame = (name: string, line: number, column: number) => ({ function: name, file: 'function.js', line, column })

describe('a stack', () => {
  test('of SpiderMonkey is read, without its marks', () => {
    const stack =
      'greet@function.js:3:18\nasync*fetch@function.js:9:2\nouter/<@function.js:4:1\n@function.js:5:6\npromise callback*run$2@function.js:7:8\n'
    expect(parseStack(stack)).toEqual([
      frame('greet', 3, 18),
      frame('fetch', 9, 2),
      frame('outer.<anonymous>', 4, 1),
      frame('', 5, 6),
      frame('run', 7, 8),
    ])
  })

  test('of QuickJS is read, native frames left out', () => {
    const stack =
      '    at greet (function.js:3:18)\n    at <anonymous> (function.js:4:1)\n    at next (native)\n    at function.js:9:1\n'
    expect(parseStack(stack)).toEqual([frame('greet', 3, 18), frame('', 4, 1), frame('', 9, 1)])
  })

  test('that holds something else as well is read as far as there are frames', () => {
    expect(parseStack('TypeError: no\n  at greet (function.js:3:18)\n\n???')).toEqual([frame('greet', 3, 18)])
  })

  test.each([
    ['a line of a megabyte', 'x'.repeat(1_000_000)],
    ['a million lines', '\n'.repeat(1_000_000)],
    ['colons without end', ':1'.repeat(500_000)],
    ['numbers beyond measure', `f@function.js:${'9'.repeat(400)}:1`],
    ['marks without end', `f${'/<'.repeat(480)}`],
  ])('that a guest made of %s gives nothing', (_, stack) => {
    expect(parseStack(stack)).toEqual([])
  })

  test('of a hundred thousand frames gives the innermost ones only', () => {
    expect(parseStack('f@function.js:1:1\n'.repeat(100_000)).length).toBe(100)
  })
})

test('a frame is written as editors make links of it', () => {
  expect(formatFrame({ function: 'greet', file: 'src/a.ts', line: 1, column: 2 })).toBe('at greet (src/a.ts:1:2)')
  expect(formatFrame({ function: '', file: 'src/a.ts', line: 1, column: 2 })).toBe('at src/a.ts:1:2')
})
