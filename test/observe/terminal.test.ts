import { describe, expect, test } from 'vitest'
import { excerptOf, formatExcerpt } from '../../src/observe/excerpt.ts'
import type { ReportRecord } from '../../src/observe/records.ts'
import { formatTerminal } from '../../src/observe/terminal.ts'

const PLAIN = { plain: true }
const ESCAPE = '\u001B'
const report: ReportRecord = {
  type: 'report',
  time: 0,
  function: 'fn',
  requestId: 'id-1',
  about: 'GET /',
  outcome: 'FunctionError',
  durationMs: 12,
  message: 'Error: no',
  report: undefined,
}

describe('an excerpt', () => {
  const text = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join('\n')

  test('shows the line, what stands around it and the column', () => {
    const excerpt = excerptOf(text, 10, 6)
    expect(excerpt === undefined ? [] : formatExcerpt(excerpt)).toEqual([
      '   7 | line 7',
      '   8 | line 8',
      '   9 | line 9',
      '> 10 | line 10',
      '     |      ^',
      '  11 | line 11',
      '  12 | line 12',
    ])
  })

  test('of a line of a megabyte holds what is around the column', () => {
    const excerpt = excerptOf(`${'x'.repeat(500_000)}HERE${'x'.repeat(500_000)}`, 1, 500_001)
    expect(excerpt?.lines[0]?.length).toBeLessThan(200)
    expect(excerpt?.lines[0]?.slice((excerpt?.column ?? 0) - 1)).toMatch(/^HERE/)
  })

  test('of a line that is not there is none', () => {
    expect(excerptOf(text, 21, 1)).toBeUndefined()
  })
})

describe('on the terminal', () => {
  test('an invocation that answered says with which status', () => {
    const shown = formatTerminal({ ...report, outcome: 'ok', status: 500, message: undefined }, PLAIN)
    expect(shown).toMatch(/fn +✓ GET \/ 500 {2}12 ms$/)
  })

  test('nothing that a guest wrote reaches the control codes, in whichever place it stands', () => {
    const evil = `a${ESCAPE}[2Jb\u009Bc`
    const frames = [{ function: evil, file: evil, line: 1, column: 1 }]
    const error = { name: evil, message: evil, stack: evil, frames, excerpt: { first: 1, lines: [evil], line: 1, column: 1 } }
    const shown = [
      formatTerminal({ ...report, about: evil, error }, PLAIN),
      formatTerminal({ ...report, error: { name: evil, message: evil, stack: evil } }, PLAIN),
      formatTerminal({ ...report, message: evil }, PLAIN),
      formatTerminal({ type: 'log', time: 0, function: 'fn', requestId: 'id', stream: 'stdout', message: evil }, PLAIN),
    ].join('\n')
    expect(shown).not.toContain(ESCAPE)
    expect(shown).not.toContain('\u009B')
    expect(shown).toContain('\\u001b[2J')
  })

  test('a recursion is one line', () => {
    const frames = Array.from({ length: 20 }, () => ({ function: 'f', file: 'a.ts', line: 1, column: 1 }))
    const shown = formatTerminal({ ...report, error: { name: 'E', message: '', stack: '', frames } }, PLAIN)
    expect(shown).toContain('at f (a.ts:1:1)  (20 times)')
  })

  test('a message of many lines is cut', () => {
    const message = Array.from({ length: 5000 }, () => 'line').join('\n')
    const shown = formatTerminal({ ...report, error: { name: 'E', message, stack: '' } }, PLAIN)
    expect(shown.split('\n').length).toBeLessThan(30)
  })
})
