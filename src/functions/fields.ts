import type { Route } from './route.ts'

/** One setting: what it takes, and what its schema and its error messages say. */
export type Field =
  | {
      readonly type: 'integer'
      readonly about: string
      readonly min: number
      readonly max: number
      readonly default?: number
      readonly unit?: string
    }
  | { readonly type: 'choice'; readonly about: string; readonly values: readonly string[]; readonly default?: string }
  /** Any non-empty string. */
  | { readonly type: 'text'; readonly about: string; readonly default?: string }
  /** A path relative to the configuration file. */
  | { readonly type: 'file'; readonly about: string }
  /** Names to strings; all names and values together at most `maxBytes` of UTF-8. */
  | { readonly type: 'variables'; readonly about: string; readonly maxBytes: number; readonly default: Variables }
  | { readonly type: 'routes'; readonly about: string; readonly default: readonly Route[] }
  /** Some of the names of `default` to numbers from 0 to `max`; the others are as there. */
  | { readonly type: 'numbers'; readonly about: string; readonly max: number; readonly default: Readonly<Record<string, number>> }

export type Fields = Readonly<Record<string, Field>>
export type Variables = readonly (readonly [name: string, value: string])[]

type Raw<F extends Field> = F extends { type: 'integer' }
  ? number
  : F extends { type: 'choice'; values: readonly (infer V)[] }
    ? V
    : F extends { type: 'variables' }
      ? Variables
      : F extends { type: 'routes' }
        ? readonly Route[]
        : F extends { type: 'numbers'; default: infer D }
          ? { readonly [K in keyof D]: number }
          : string

/** What reading an object of these fields gives; undefined only where the field has no default. */
export type Values<T extends Fields> = {
  readonly [K in keyof T]: T[K] extends { default: unknown } ? Raw<T[K]> : Raw<T[K]> | undefined
}

/** What a value must be, for messages: "an integer from 16 to 4096 (MiB)". */
export function describeField(field: Field): string {
  switch (field.type) {
    case 'integer':
      return `an integer from ${field.min} to ${field.max}${field.unit === undefined ? '' : ` (${field.unit})`}`
    case 'choice':
      return `one of ${field.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'text':
      return 'a string that is not empty'
    case 'file':
      return 'a path, relative to the configuration file'
    case 'variables':
      return `an object of names to strings, ${field.maxBytes} bytes in total at most`
    case 'routes':
      return 'a list of routes like "/path/*", "host/path/*" or {"host": …, "path": …}'
    case 'numbers':
      return `an object with any of ${Object.keys(field.default).join(', ')}: numbers from 0 to ${field.max}`
    default:
      return field satisfies never
  }
}
