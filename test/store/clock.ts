import { expect } from 'vitest'

/** The time that an engine goes by: one that the test sets, or the real one. */
export interface Clock {
  readonly nowMs: number
  /** What is due in so many milliseconds is surely not there yet. */
  readonly marginMs: number
  pass(ms: number): Promise<void>
  /** Where it can be. */
  setBack?(ms: number): void
}

export function setClock(): Clock {
  let nowMs = Date.UTC(2026, 0, 1)
  return {
    get nowMs() {
      return nowMs
    },
    marginMs: 1,
    pass(ms) {
      nowMs += ms
      return Promise.resolve()
    },
    setBack(ms) {
      nowMs -= ms
    },
  }
}

/** For engines that are servers. What is due comes a little later there. */
export const realClock: Clock = {
  get nowMs() {
    return Date.now()
  },
  marginMs: 400,
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 100)),
}

export function expectNear(actualMs: number, expectedMs: number, { marginMs }: Clock): void {
  expect(Math.abs(actualMs - expectedMs), `${actualMs} is not ${expectedMs}`).toBeLessThan(marginMs)
}
