import { AmpouleError } from '../errors.ts'

const GONE: ReadonlySet<string> = new Set(['QueueNotFound', 'StreamNotFound'])

/** For what is sent to a queue or a stream that somebody may have deleted: that is told, every other failure goes on. */
export const unlessGone =
  (tell: () => void) =>
  (error: unknown): void => {
    if (!(error instanceof AmpouleError) || !GONE.has(error.code)) throw error
    tell()
  }
