/** What invocations of one version took on one day. */
export interface Counted {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly functionName: string
  readonly version: string
  /** Invocations that ran, however they ended. */
  readonly requests: number
  /** Those of them that failed. */
  readonly errors: number
  /** Invocations that were refused for a limit of concurrency. */
  readonly throttles: number
  /** Milliseconds, each invocation's rounded up. */
  readonly billedMs: number
  /** The same times the memory setting, in MiB. */
  readonly billedMbMs: number
  /** What was kept ready: milliseconds of an instance times its memory setting, in MiB. */
  readonly provisionedMbMs: number
  readonly fuel: number
}

/** Counts of one version, until they are handed on. */
export interface Counts extends Omit<Counted, 'day' | 'functionName' | 'version'> {}

export const NOTHING: Counts = { requests: 0, errors: 0, throttles: 0, billedMs: 0, billedMbMs: 0, provisionedMbMs: 0, fuel: 0 }
