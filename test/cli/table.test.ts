import { expect, test } from 'vitest'
import { formatBytes, formatFields, formatTable, formatTime } from '../../src/cli/table.ts'

test('a table has its columns below each other and nothing at the ends of lines', () => {
  expect(
    formatTable(
      ['name', 'state', 'about'],
      [
        ['a', 'Active', ''],
        ['longer', 'x', 'y z'],
      ],
    ),
  ).toBe(['NAME    STATE   ABOUT', 'a       Active', 'longer  x       y z'].join('\n'))
})

test('fields that are not there are left out', () => {
  expect(formatFields({ name: 'a', reserved: undefined, 'at once': 3 })).toBe('name     a\nat once  3')
})

test.each([
  ['2026-11-25T05:18:00.123+0000', '2026-11-25 05:18'],
  [undefined, ''],
])('the time %s is shown as "%s"', (time, shown) => expect(formatTime(time)).toBe(shown))

test.each([
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [3 * 1024 * 1024, '3.00 MiB'],
])('%i bytes are shown as %s', (bytes, shown) => expect(formatBytes(bytes)).toBe(shown))
