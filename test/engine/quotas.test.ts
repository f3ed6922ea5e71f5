import { expect, it } from 'vitest'
import { SHARED_QUOTA, SharedCounts, type CounterIndex } from '../../src/engine/counts.ts'
import { Quotas } from '../../src/engine/quotas.ts'

const fn = 0 as CounterIndex

it('keeps the limit of a quota also while no function counts against it, and none of one before it', () => {
  const counts = new SharedCounts(1, 0)
  const quotas = new Quotas(counts)
  quotas.limit('a', 0)
  const a = quotas.take('a')!
  expect(counts.admit(fn, a, 0)).toBe('own quota')
  expect(quotas.take('a')).toBe(a)
  quotas.give('a')
  expect(quotas.take('b')).not.toBe(a)
  quotas.give('a')
  expect(quotas.take('c')).toBe(a)
  expect(counts.limit(a)).toBeUndefined()
  expect(counts.limit(quotas.take('a')!)).toBe(0)
  quotas.limit('a', undefined)
  quotas.limit(undefined, 5)
  expect(counts.limit(SHARED_QUOTA)).toBe(5)
  expect(quotas.take(undefined)).toBeUndefined()
})
