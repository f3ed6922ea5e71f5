/**
 * Ticks of schedules that several hosts have: each is put in once, whoever puts it in, and taken out by one of them at a time. An engine without other hosts
 * needs none of it.
 */
export interface TickEngine {
  /** Puts ticks in; those that any host has put in within the last days are there already. Rejects with `StoreUnavailable`. */
  offer(schedule: string, ticks: readonly number[]): Promise<void>
  /**
   * From now on `take` is called for ticks that no other host has. A tick is out when it resolves with true; false: it is another host's. One that
   * rejects, and one of a host that has ended meanwhile, comes again.
   */
  take(take: (tick: Tick) => Promise<boolean>): Promise<void>
  /** Nothing more is taken; resolves when what was is done. */
  close(): Promise<void>
}

export interface Tick {
  /** Its name. */
  readonly schedule: string
  /** Milliseconds since the epoch. */
  readonly tickMs: number
}
