import type { StoredStreamRecord } from '../../store/stream.ts'

/** What of a mapping decides what becomes of a batch. */
export interface RetryPolicy {
  /** Undefined: for ever. */
  readonly maxRetries: number | undefined
  /** Milliseconds; undefined: however old. */
  readonly maxAgeMs: number | undefined
  readonly bisect: boolean
}

/** Records that a function runs, or waits to run; none: the end of a window. */
export interface StreamWork {
  readonly records: readonly StoredStreamRecord[]
  /** How often it was run and failed. */
  readonly attempts: number
}

/** Why records are given up: `condition` of Lambda's record. */
export type GivenUp = 'RetryAttemptsExhausted' | 'RecordAgeExceeded'

export interface Verdict {
  /** Comes first, and again. */
  readonly again: StreamWork | undefined
  /** Comes behind that: what the function has not been given again yet. */
  readonly later: readonly StoredStreamRecord[]
  readonly givenUp: { readonly work: StreamWork; readonly why: GivenUp } | undefined
}

const NOTHING: Verdict = { again: undefined, later: [], givenUp: undefined }

/**
 * What becomes of work that has failed from the record with the id `failedFrom` on (AWS Lambda, "Process Amazon Kinesis Data Streams records", error
 * handling). What stands before it is done. Records that are done let the count of attempts begin anew; so does splitting.
 */
export function afterFailure({ records, attempts }: StreamWork, failedFrom: string, policy: RetryPolicy): Verdict {
  const from = records.findIndex(({ sequence }) => String(sequence) === failedFrom)
  const left = records.slice(Math.max(0, from))
  const own: StreamWork = { records: left, attempts: from > 0 ? 1 : attempts + 1 }
  if (policy.bisect && left.length > 1) {
    const half = Math.ceil(left.length / 2)
    return { ...NOTHING, again: { records: left.slice(0, half), attempts: 0 }, later: left.slice(half) }
  }
  if (policy.maxRetries === undefined || own.attempts <= policy.maxRetries) return { ...NOTHING, again: own }
  return { ...NOTHING, givenUp: { work: own, why: 'RetryAttemptsExhausted' } }
}

/** Takes out what is too old to be run. */
export function withoutOld({ records, attempts }: StreamWork, { maxAgeMs }: RetryPolicy, now: number): Verdict {
  // The end of a window has no records and no age.
  if (maxAgeMs === undefined || records.length === 0) return { ...NOTHING, again: { records, attempts } }
  // Records are in the order of their arrival.
  const young = records.findIndex(({ arrivedMs }) => now - arrivedMs <= maxAgeMs)
  const old = young < 0 ? records : records.slice(0, young)
  const left = young < 0 ? [] : records.slice(young)
  return {
    again: left.length === 0 ? undefined : { records: left, attempts },
    later: [],
    givenUp: old.length === 0 ? undefined : { work: { records: old, attempts }, why: 'RecordAgeExceeded' },
  }
}
