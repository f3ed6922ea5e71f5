import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { configurationSchema } from '../../src/functions/schema.ts'
import { FUNCTION_FIELDS, HOST_FIELDS } from '../../src/functions/settings.ts'

const file: unknown = JSON.parse(readFileSync(new URL('../../schema/ampoule.schema.json', import.meta.url), 'utf8'))

describe('the JSON schema for editors', () => {
  test('schema/ampoule.schema.json says what the reader accepts', () => {
    expect(file).toEqual(configurationSchema())
  })

  test('every setting has a description that ends as a sentence', () => {
    for (const { about } of [...Object.values(HOST_FIELDS), ...Object.values(FUNCTION_FIELDS)]) expect(about).toMatch(/\.$/)
  })
})
