import { createHash } from 'node:crypto'
import { readTicks, type Ticks } from '../../functions/schedule/expression.ts'
import type { ScheduleRecord } from '../../store/records.ts'

/** A tick that is later than this was missed. */
const LATE_MS = 60_000

const ticksOf = ({ expression, timezone, startMs, createdMs }: ScheduleRecord): Ticks =>
  readTicks(expression, { timezone, anchorMs: startMs ?? createdMs })

/** The first tick behind `timeMs` within the schedule's dates; undefined: there is none. */
export function nextTick(record: ScheduleRecord, timeMs: number): number | undefined {
  const { startMs = 0, endMs = Infinity } = record
  const next = ticksOf(record).after(Math.max(timeMs, startMs - 1))
  return next === undefined || next > endMs ? undefined : next
}

/**
 * When a tick is run: later by a part of the schedule's time window that is the same for every host, so that schedules of the same time do not
 * all run at once.
 */
export function dueAt({ name, windowMinutes }: Pick<ScheduleRecord, 'name' | 'windowMinutes'>, tickMs: number): number {
  if (windowMinutes === 0) return tickMs
  const random = createHash('sha256').update(`${name}\n${tickMs}`).digest().readUInt32BE(0) / 2 ** 32
  return tickMs + Math.floor(random * windowMinutes * 60_000)
}

export interface Due {
  /** To be run now, in their order. */
  readonly ticks: readonly number[]
  /** The next one after those; undefined: the schedule is over. */
  readonly nextMs: number | undefined
}

/**
 * Which ticks are to be run. Of several whose time has passed, and which are not too old (`maxAgeSeconds`), runs all, the last one (`once`), or none
 * that is over a minute late (`skip`).
 */
export function dueTicks(record: ScheduleRecord, now: number): Due {
  const { missed, target } = record
  const oldest = now - (missed === 'skip' ? LATE_MS + record.windowMinutes * 60_000 : target.maxAgeSeconds * 1000)
  let tick = record.nextMs
  if (tick !== undefined && tick < oldest) tick = nextTick(record, oldest - 1)
  const ticks: number[] = []
  for (; tick !== undefined && dueAt(record, tick) <= now; tick = nextTick(record, tick)) ticks.push(tick)
  return { ticks: missed === 'once' ? ticks.slice(-1) : ticks, nextMs: tick }
}
