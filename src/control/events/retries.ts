import type { EventInvocationRecord, EventInvokeRecord } from '../../store/records.ts'

/** AWS Lambda, "How Lambda handles errors and retries with asynchronous invocation". */
const DEFAULT_RETRIES = 2
const DEFAULT_AGE_MS = 6 * 60 * 60_000

export type Settings = Pick<EventInvokeRecord, 'maximumRetryAttempts' | 'maximumEventAgeSeconds' | 'onSuccess' | 'onFailure'>

export const NO_SETTINGS: Settings = {
  maximumRetryAttempts: undefined,
  maximumEventAgeSeconds: undefined,
  onSuccess: undefined,
  onFailure: undefined,
}

/** From then on the event is too old to be run: milliseconds since the epoch. */
export function expiryOf(
  { acceptedAt }: Pick<EventInvocationRecord, 'acceptedAt'>,
  { maximumEventAgeSeconds }: Settings,
): number {
  return acceptedAt + (maximumEventAgeSeconds === undefined ? DEFAULT_AGE_MS : maximumEventAgeSeconds * 1000)
}

/**
 * How long an event waits that has run `attempts` times and failed: `firstMs` after the first time, then twice as long each time, and up to a
 * tenth more or less, so that what failed together does not come again together. `random`: from 0 to 1. Undefined: it is not tried again.
 */
export function retryDelay(
  attempts: number,
  { maximumRetryAttempts = DEFAULT_RETRIES }: Settings,
  firstMs: number,
  random: number,
): number | undefined {
  if (attempts > maximumRetryAttempts) return undefined
  return Math.round(firstMs * 2 ** (attempts - 1) * (0.9 + random / 5))
}
