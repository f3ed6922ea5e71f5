import { ROLE, zipOf } from '../host.ts'

/** Answers with the event, the version and a word of the code. */
const source = (word: string): string => `export const handler = async (event, context) => {
  if (event.fail) throw new RangeError(event.fail)
  if (event.bytes) return 'x'.repeat(event.bytes)
  return { event, word: ${JSON.stringify(word)}, version: context.functionVersion, arn: context.invokedFunctionArn }
}`

export const zipSaying = (word: string): Promise<Uint8Array> => zipOf({ 'index.mjs': source(word) })

export const ZIP = await zipSaying('one')
export const OTHER_ZIP = await zipSaying('two')

/** What is needed of a function besides its name. */
export const BASE = {
  Runtime: 'nodejs22.x',
  Handler: 'index.handler',
  Role: ROLE,
  Code: { ZipFile: ZIP },
} as const

export const LONG_NAME = 'a'.repeat(65)
