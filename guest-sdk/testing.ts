/** For tests, never for functions: runs a function in a real sandbox, with the host that is installed beside this package. */
import type { LoadOptions, TestedFunction } from 'ampoule/testing'

export type * from 'ampoule/testing'

/** See `load` of `ampoule/testing`. Rejects with an `Error` that says so when the package `ampoule` is not installed. */
export async function load(source: string | URL, options?: LoadOptions): Promise<TestedFunction> {
  const testing = await import('ampoule/testing').catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new Error('@ampoule/guest/testing runs functions with the package "ampoule": npm install --save-dev ampoule', {
      cause: error,
    })
  })
  return testing.load(source, options)
}
