import { Cron } from 'croner'
import { convertCron } from './cron-fields.ts'
import { ExpressionError } from './error.ts'

/** When a schedule is due. Times are in milliseconds since the epoch. */
export interface Ticks {
  /** The first tick behind that time; undefined: there is none. */
  after(timeMs: number): number | undefined
}

export interface TickOptions {
  /** Of IANA; for everything but rates. Default: UTC. */
  readonly timezone?: string | undefined
  /** Where rates are counted from. */
  readonly anchorMs: number
}

const UNITS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }
/** A year, as EventBridge Scheduler has it. */
const MAX_RATE_MS = 366 * UNITS.day

/**
 * Reads `cron(minutes hours day-of-month month day-of-week year)`, `rate(N minutes|hours|days)` and `at(yyyy-mm-ddThh:mm:ss)` (Amazon EventBridge
 * Scheduler, "Schedule types"), and cron of five fields (five fields, `@daily`). Throws `ExpressionError`.
 *
 * Where clocks go forward, a fixed time that is not there is due at the moment after the gap; where they go back, a fixed time that is there
 * twice is due the first time only. What is due each hour or each few minutes goes by time that passes.
 */
export function readTicks(expression: string, { timezone = 'UTC', anchorMs }: TickOptions): Ticks {
  checkTimezone(timezone)
  const [, kind, content = ''] = /^(cron|rate|at)\((.*)\)$/s.exec(expression.trim()) ?? []
  if (kind === 'cron') return ofCron(convertCron(content), expression, timezone)
  if (kind === 'rate') return ofRate(content, anchorMs)
  if (kind === 'at') return ofMoment(content, timezone)
  const fields = expression.trim()
  if (/^@[a-z]+$/.test(fields) || fields.split(/\s+/).length === 5) return ofCron(fields, expression, timezone)
  throw new ExpressionError(
    `${JSON.stringify(expression.slice(0, 100))} is no cron(…) of six fields, rate(…) or at(…), and no cron of five fields`,
  )
}

function checkTimezone(timezone: string): void {
  try {
    Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw new ExpressionError(
      `${JSON.stringify(timezone.slice(0, 100))} is no time zone: it must be one like Europe/Berlin or UTC`,
    )
  }
}

function ofCron(pattern: string, expression: string, timezone: string): Ticks {
  let cron: Cron
  try {
    cron = new Cron(pattern, { timezone, paused: true })
  } catch (error) {
    throw new ExpressionError(`${expression}: ${(error as Error).message.replace(/^CronPattern: /, '')}`)
  }
  return { after: (timeMs) => cron.nextRun(new Date(timeMs))?.getTime() }
}

function ofRate(content: string, anchorMs: number): Ticks {
  const [, number = '', unit, plural] = /^\s*(\d{1,9}) (minute|hour|day)(s)?\s*$/.exec(content) ?? []
  const value = Number(number)
  if (unit === undefined || value === 0 || (value === 1) !== (plural === undefined))
    throw new ExpressionError(`rate(${content}) must be like rate(1 minute), rate(5 minutes), rate(1 hour) or rate(7 days)`)
  const everyMs = value * UNITS[unit as keyof typeof UNITS]
  if (everyMs > MAX_RATE_MS) throw new ExpressionError(`rate(${content}) is more than a year`)
  return {
    after: (timeMs) => (timeMs < anchorMs ? anchorMs : anchorMs + (Math.floor((timeMs - anchorMs) / everyMs) + 1) * everyMs),
  }
}

function ofMoment(content: string, timezone: string): Ticks {
  const text = content.trim()
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? momentOf(text, timezone) : undefined
  if (moment === undefined) throw new ExpressionError(`at(${content}) must be a time like at(2026-12-31T23:59:59)`)
  return { after: (timeMs) => (moment > timeMs ? moment : undefined) }
}

/** Undefined for days that there are not. */
function momentOf(text: string, timezone: string): number | undefined {
  const utc = Date.parse(`${text}Z`)
  if (Number.isNaN(utc) || new Date(utc).toISOString().slice(0, 19) !== text) return undefined
  // The only tick of that time in the zone; from a day before, as no zone is further from UTC.
  return new Cron(text, { timezone, paused: true }).nextRun(new Date(0))?.getTime() ?? undefined
}
