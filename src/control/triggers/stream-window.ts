import type { StreamWindow } from '../../invoke/batch-event.ts'
import type { StoredStreamRecord } from '../../store/stream.ts'

/** A tumbling window whose records are being worked off: AWS Lambda, "Using tumbling windows with Kinesis". */
export interface OpenWindow {
  /** Milliseconds since the epoch. */
  readonly startMs: number
  /** JSON. */
  readonly state: string
}

/** How far one line of a shard has come; kept with the shard's checkpoint, as lines are not equally far. */
export interface LineState {
  /** All records of the line up to this one are done. */
  readonly upTo: number
  readonly window: OpenWindow | undefined
}

/** A window with a larger state ends at once. Lambda: 1 MB. */
export const MAX_STATE_BYTES = 1024 * 1024
export const FIRST_STATE = '{}'

/** When the window began in which a record arrived. */
export const windowStart = (arrivedMs: number, lengthMs: number): number => Math.floor(arrivedMs / lengthMs) * lengthMs

/** Those at the front that are in the window of the first one. */
export function ofFirstWindow(records: readonly StoredStreamRecord[], lengthMs: number): readonly StoredStreamRecord[] {
  const [first] = records
  if (first === undefined) return records
  const end = windowStart(first.arrivedMs, lengthMs) + lengthMs
  const next = records.findIndex(({ arrivedMs }) => arrivedMs >= end)
  return next < 0 ? records : records.slice(0, next)
}

/** What a function is told with these records; none: with the window's end. */
export function toWindow(
  records: readonly StoredStreamRecord[],
  open: OpenWindow | undefined,
  { lengthMs, now }: { readonly lengthMs: number; readonly now: number },
): StreamWindow {
  const startMs = open?.startMs ?? windowStart(records[0]?.arrivedMs ?? now, lengthMs)
  const endMs = startMs + lengthMs
  const final = records.length === 0
  return { startMs, endMs, state: open?.state ?? FIRST_STATE, final, early: final && now < endMs }
}

export const writeLines = (lines: readonly LineState[]): unknown => ({
  lines: lines.map(({ upTo, window }) => ({ upTo, ...window })),
})

/** Undefined: it is of another number of lines, whose keys are shared among them otherwise, or none was kept. */
export function readLines(kept: unknown, count: number): readonly LineState[] | undefined {
  const lines = (kept as { readonly lines?: readonly (Partial<OpenWindow> & { readonly upTo: number })[] } | undefined)?.lines
  if (lines?.length !== count) return undefined
  return lines.map(({ upTo, startMs, state }) => ({
    upTo,
    window: startMs === undefined || state === undefined ? undefined : { startMs, state },
  }))
}
