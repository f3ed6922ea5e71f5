import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describeField, type Field, type Fields } from '../../src/functions/fields.ts'
import { FUNCTION_FIELDS, HOST_FIELDS } from '../../src/functions/settings.ts'

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

const row = (name: string, field: Field): string => {
  const written = field.type === 'numbers' ? JSON.stringify(field.default) : 'default' in field ? field.default : undefined
  const otherwise = typeof written === 'number' || typeof written === 'string' ? `\`${written}\`` : ''
  return `| \`${name}\` | ${describeField(field).replaceAll('|', '\\|')} | ${otherwise} | ${field.about} |`
}
const rows = (fields: Fields): string[] => Object.entries(fields).map(([name, field]) => row(name, field))

describe('docs/configuration.md', () => {
  test.each([
    ['the host', HOST_FIELDS],
    ['a function', FUNCTION_FIELDS],
  ])('lists every setting of %s as the reader has it', (_, fields) => {
    expect(page).toContain(rows(fields).join('\n'))
  })
})
