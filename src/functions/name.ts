/** A function's name that has passed `isFunctionName`. */
export type FunctionName = string & { readonly __brand: 'FunctionName' }

/** AWS Lambda, CreateFunction: `[a-zA-Z0-9-_]+`, at most 64 characters. */
export const FUNCTION_NAME_PATTERN = '^[a-zA-Z0-9_-]{1,64}$'
export const FUNCTION_NAME_RULE = '1 to 64 of the letters a-z and A-Z, digits, "-" and "_"'

/** First path segment that belongs to the host; no function or route may use it. */
export const RESERVED_SEGMENT = '_ampoule'

const pattern = new RegExp(FUNCTION_NAME_PATTERN)

/** Whether `text` may name a function: Lambda's rule, and not the host's own path segment. */
export function isFunctionName(text: string): text is FunctionName {
  return pattern.test(text) && text !== RESERVED_SEGMENT
}
