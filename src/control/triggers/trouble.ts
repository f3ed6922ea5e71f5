import { AmpouleError } from '../../errors.ts'

const TOLD: ReadonlySet<string> = new Set(['StreamNotFound', 'StoreUnavailable'])

/** Why a trigger gets nothing, to whoever asks for its mapping. */
export const troubleOf = (error: unknown): string =>
  error instanceof AmpouleError && TOLD.has(error.code) ? error.message : 'the host failed'
