import { describeField, type Field, type Fields } from './fields.ts'
import { FUNCTION_NAME_PATTERN } from './name.ts'
import { FUNCTION_FIELDS, HOST_FIELDS } from './settings.ts'

/** The JSON Schema of `ampoule.jsonc` (`schema/ampoule.schema.json`), for editors; made of the same tables that the reader uses. */
export function configurationSchema(): Record<string, unknown> {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Ampoule configuration',
    type: 'object',
    additionalProperties: false,
    required: ['functions'],
    properties: {
      $schema: { type: 'string' },
      ...properties(HOST_FIELDS),
      functions: {
        description: 'The functions by name; each is served at /<name>/….',
        type: 'object',
        propertyNames: { pattern: FUNCTION_NAME_PATTERN },
        additionalProperties: {
          type: 'object',
          additionalProperties: false,
          oneOf: [{ required: ['source'] }, { required: ['component'] }],
          properties: properties(FUNCTION_FIELDS),
        },
      },
    },
  }
}

const properties = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, { description: field.about, ...fieldSchema(field) }]))

function fieldSchema(field: Field): Record<string, unknown> {
  switch (field.type) {
    case 'integer':
      return { type: 'integer', minimum: field.min, maximum: field.max, ...withDefault(field) }
    case 'choice':
      return { enum: field.values, ...withDefault(field) }
    case 'text':
      return { type: 'string', minLength: 1, ...withDefault(field) }
    case 'file':
      return { type: 'string', minLength: 1 }
    case 'variables':
      return {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_]*$' },
        additionalProperties: { type: 'string' },
        default: {},
      }
    case 'routes':
      return {
        type: 'array',
        items: routeSchema,
        default: [],
        examples: [['/v1/*'], ['api.example.com/*']],
        $comment: describeField(field),
      }
    case 'numbers':
      return {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(
          Object.entries(field.default).map(([name, one]) => [
            name,
            { type: 'number', minimum: 0, maximum: field.max, default: one },
          ]),
        ),
        default: field.default,
      }
    default:
      return field satisfies never
  }
}

const withDefault = (field: { readonly default?: unknown }) => (field.default === undefined ? {} : { default: field.default })

const routeSchema = {
  oneOf: [
    { type: 'string', minLength: 1 },
    {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: { host: { type: 'string' }, path: { type: 'string' } },
    },
  ],
}
