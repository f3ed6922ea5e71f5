import { describe, expect, it } from 'vitest'
import { afterFailure, withoutOld, type RetryPolicy } from '../../../src/control/triggers/stream-line.ts'
import type { StoredStreamRecord } from '../../../src/store/stream.ts'

const record = (sequence: number): StoredStreamRecord => ({
  sequence,
  key: 'k',
  arrivedMs: sequence * 1000,
  data: Buffer.from('x'),
})
const records = [1, 2, 3, 4].map(record)
const numbers = (list: readonly StoredStreamRecord[] | undefined) => list?.map(({ sequence }) => sequence)
const policy = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maxRetries: undefined,
  maxAgeMs: undefined,
  bisect: false,
  ...more,
})

describe('work that has failed', () => {
  it('comes again as it is, for ever or as often as the mapping says', () => {
    const first = afterFailure({ records, attempts: 0 }, '1', policy())
    expect([numbers(first.again?.records), first.again?.attempts, first.givenUp]).toEqual([[1, 2, 3, 4], 1, undefined])
    expect(afterFailure({ records, attempts: 9_999 }, '1', policy()).again?.attempts).toBe(10_000)
    expect(afterFailure({ records, attempts: 1 }, '1', policy({ maxRetries: 2 })).again?.attempts).toBe(2)
    const last = afterFailure({ records, attempts: 2 }, '1', policy({ maxRetries: 2 }))
    expect([last.again, last.givenUp?.why, numbers(last.givenUp?.work.records), last.givenUp?.work.attempts]).toEqual([
      undefined,
      'RetryAttemptsExhausted',
      [1, 2, 3, 4],
      3,
    ])
    expect(afterFailure({ records, attempts: 0 }, '1', policy({ maxRetries: 0 })).givenUp?.work.attempts).toBe(1)
  })

  it('comes again from the record on that failed, which is a first failure of that', () => {
    const { again } = afterFailure({ records, attempts: 2 }, '3', policy({ maxRetries: 2 }))
    expect([numbers(again?.records), again?.attempts]).toEqual([[3, 4], 1])
  })

  it('is split where that is wanted, until one record is left', () => {
    const halves = afterFailure({ records, attempts: 0 }, '1', policy({ bisect: true, maxRetries: 0 }))
    expect([numbers(halves.again?.records), numbers(halves.later), halves.again?.attempts]).toEqual([[1, 2], [3, 4], 0])
    const partial = afterFailure({ records, attempts: 0 }, '2', policy({ bisect: true }))
    expect([numbers(partial.again?.records), numbers(partial.later)]).toEqual([[2, 3], [4]])
    const one = afterFailure({ records: [record(1)], attempts: 0 }, '1', policy({ bisect: true, maxRetries: 0 }))
    expect([one.again, numbers(one.givenUp?.work.records)]).toEqual([undefined, [1]])
  })
})

describe('work with records that are too old', () => {
  it('goes on with the others', () => {
    const work = { records, attempts: 3 }
    expect(withoutOld(work, policy(), 1e9)).toMatchObject({ again: work, givenUp: undefined })
    const some = withoutOld(work, policy({ maxAgeMs: 2000 }), 5000)
    expect([numbers(some.again?.records), numbers(some.givenUp?.work.records), some.givenUp?.why]).toEqual([
      [3, 4],
      [1, 2],
      'RecordAgeExceeded',
    ])
    expect(withoutOld(work, policy({ maxAgeMs: 2000 }), 1e9)).toMatchObject({ again: undefined, givenUp: { work } })
  })
})
