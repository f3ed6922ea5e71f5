/** What `@ampoule/guest/testing` gives: functions in a real sandbox, in the test's own process; no server, no port. */
import type { LoadOptions, TestedFunction } from './contract.ts'
import { requireNode } from './node-version.ts'

export type * from './contract.ts'
/** What `error.details` of a `FunctionError` holds. */
export type { GuestError, GuestErrorDetails } from '../invoke/failure.ts'
export { AmpouleError, type ErrorCode } from '../errors.ts'

/**
 * Builds the function whose module (or `.wasm` component, or source in another language) is `source`, runs its top level and gives
 * what calls it. A path that is not absolute is relative to the working directory, which for vitest is the project's folder; a `URL`
 * (`new URL('../src/index.ts', import.meta.url)`) is taken as it is.
 * Rejects with an `AmpouleError`: `InvalidConfiguration` (options), `BuildFailed` (the build or the top level, with file and line), and with an
 * `Error` that says what to do when Node is too old.
 */
export async function load(source: string | URL, options: LoadOptions = {}): Promise<TestedFunction> {
  requireNode()
  const { openTested } = await import('./open.ts')
  return openTested(source, options)
}
