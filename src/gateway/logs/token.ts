import { invalid } from './error.ts'

/** A place to go on from, for clients that do not look into it. */
export const writeToken = (kind: string, parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify([kind, ...parts])).toString('base64url')

/** The parts: of these types, and no others. Throws `InvalidParameterException` for what is not from {@link writeToken}. */
export function readToken<const T extends readonly ('string' | 'number')[]>(
  token: string,
  kind: string,
  types: T,
): { readonly [K in keyof T]: T[K] extends 'string' ? string : number } {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (Array.isArray(value) && value[0] === kind && value.length === types.length + 1) {
      const parts: readonly unknown[] = value.slice(1)
      const whole = parts.every(
        (part, index) => typeof part === types[index] && (typeof part !== 'number' || Number.isSafeInteger(part)),
      )
      if (whole) return parts as { readonly [K in keyof T]: T[K] extends 'string' ? string : number }
    }
  } catch {
    // Answered below.
  }
  throw invalid('The specified nextToken is invalid.')
}
