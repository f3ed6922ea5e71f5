import { describe, expect, it } from 'vitest'
import { ExpressionError } from '../../../src/functions/schedule/error.ts'
import { readTicks } from '../../../src/functions/schedule/expression.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS

function next(expression: string, from: string, count: number, timezone = 'UTC'): string[] {
  const ticks = readTicks(expression, { timezone, anchorMs: 0 })
  const found: string[] = []
  for (let time = ticks.after(Date.parse(from)); time !== undefined && found.length < count; time = ticks.after(time))
    found.push(new Date(time).toISOString().slice(0, 16))
  return found
}

describe('cron of EventBridge', () => {
  it.each([
    ['cron(0 10 * * ? *)', ['2026-01-01T10:00', '2026-01-02T10:00']],
    ['cron(15 12 ? * 1 *)', ['2026-01-04T12:15', '2026-01-11T12:15']],
    ['cron(0 18 ? * MON-FRI *)', ['2026-01-01T18:00', '2026-01-02T18:00', '2026-01-05T18:00']],
    ['cron(0 8 1 * ? *)', ['2026-01-01T08:00', '2026-02-01T08:00']],
    [
      'cron(0/15 23 ? * 7 *)',
      ['2026-01-03T23:00', '2026-01-03T23:15', '2026-01-03T23:30', '2026-01-03T23:45', '2026-01-10T23:00'],
    ],
    ['cron(0 0 L * ? *)', ['2026-01-31T00:00', '2026-02-28T00:00']],
    ['cron(0 0 LW * ? *)', ['2026-01-30T00:00', '2026-02-27T00:00']],
    ['cron(0 0 15W 8 ? *)', ['2026-08-14T00:00', '2027-08-16T00:00']],
    ['cron(0 0 ? * 6L *)', ['2026-01-30T00:00', '2026-02-27T00:00']],
    ['cron(0 0 ? * L *)', ['2026-01-03T00:00', '2026-01-10T00:00']],
    ['cron(0 0 ? * TUE#2 *)', ['2026-01-13T00:00', '2026-02-10T00:00']],
    ['cron(0 0 ? * 3#2 *)', ['2026-01-13T00:00', '2026-02-10T00:00']],
    ['cron(0 0 29 2 ? 2026-2035)', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['cron(0 0 1 JAN,jul ? 2026/2)', ['2026-07-01T00:00', '2028-01-01T00:00', '2028-07-01T00:00', '2030-01-01T00:00']],
    ['cron(0 0 1 1 ? 2020)', []],
  ])('%s', (expression, expected) => {
    expect(next(expression, '2026-01-01T00:00:00Z', Math.max(1, expected.length))).toEqual(expected)
  })

  it.each([
    ['cron(0 10 * * *)', 'has 5 fields, it must have 6: minutes hours day-of-month month day-of-week year'],
    ['cron(0 10 * * * *)', 'one of day-of-month and day-of-week must be ?'],
    ['cron(0 10 ? * ? *)', 'one of day-of-month and day-of-week must be ?'],
    ['cron(60 10 * * ? *)', '"60" in minutes: values are from 0 to 59'],
    ['cron(? 10 * * ? *)', '"?" in minutes'],
    ['cron(0 10 0 * ? *)', '"0" in day-of-month: values are from 1 to 31'],
    ['cron(0 10 ? * 0 *)', '"0" in day-of-week: values are from 1 to 7 or SUN to SAT'],
    ['cron(0 10 ? * FRI-MON *)', '"FRI-MON" in day-of-week: the range ends before it begins'],
    ['cron(0 10 ? * FRI#6 *)', '"FRI#6" in day-of-week: # must be from 1 to 5'],
    ['cron(0/0 10 * * ? *)', '"0/0" in minutes: the step must be from 1 to 59'],
    ['cron(0,,5 10 * * ? *)', '"" in minutes'],
    ['cron(0 10 * * ? 1969)', '"1969" in year: values are from 1970 to 2199'],
  ])('%s is refused', (expression, message) => {
    const read = () => readTicks(expression, { anchorMs: 0 })
    expect(read).toThrow(ExpressionError)
    expect(read).toThrow(message)
  })

  it('gives the ticks that going through all minutes finds', () => {
    let seed = 20_261_125
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below
    const pick = (min: number, max: number): readonly [string, (value: number) => boolean] => {
      const low = min + random(max - min + 1)
      const high = low + random(max - low + 1)
      const step = 1 + random(7)
      switch (random(4)) {
        case 0:
          return ['*', () => true]
        case 1:
          return [`${low}-${high}`, (value) => value >= low && value <= high]
        case 2:
          return [`${low}/${step}`, (value) => value >= low && (value - low) % step === 0]
        default:
          return [`${low},${high}`, (value) => value === low || value === high]
      }
    }
    for (let round = 0; round < 30; round++) {
      const [minute, isMinute] = pick(0, 59)
      const [hour, isHour] = pick(0, 23)
      const [month, isMonth] = pick(1, 12)
      const byWeek = random(2) === 0
      const [day, isDay] = byWeek ? pick(1, 7) : pick(1, 31)
      const expression = byWeek ? `cron(${minute} ${hour} ? ${month} ${day} *)` : `cron(${minute} ${hour} ${day} ${month} ? *)`
      const start = Date.UTC(2026, random(12), 1 + random(28))
      const expected: string[] = []
      for (let time = start + MINUTE_MS; time <= start + 2 * DAY_MS; time += MINUTE_MS) {
        const date = new Date(time)
        const own = byWeek ? date.getUTCDay() + 1 : date.getUTCDate()
        if (isMinute(date.getUTCMinutes()) && isHour(date.getUTCHours()) && isMonth(date.getUTCMonth() + 1) && isDay(own))
          expected.push(date.toISOString().slice(0, 16))
      }
      const found = next(expression, new Date(start).toISOString(), expected.length + 1).filter(
        (time) => Date.parse(`${time}Z`) <= start + 2 * DAY_MS,
      )
      expect({ expression, found }).toEqual({ expression, found: expected })
    }
  })
})

describe('cron of five fields', () => {
  it('is what everybody knows', () => {
    expect(next('*/5 * * * *', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-01T00:05', '2026-01-01T00:10'])
    expect(next('0 6 * * 1', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-05T06:00'])
    expect(next('@daily', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-02T00:00'])
  })

  it.each(['61 * * * *', '* * * *', '@never', 'every day', ''])('%j is refused', (expression) => {
    expect(() => readTicks(expression, { anchorMs: 0 })).toThrow(ExpressionError)
  })
})

describe('rates', () => {
  it('are counted from where they begin', () => {
    const ticks = readTicks('rate(5 minutes)', { anchorMs: 1_000_007 })
    expect(ticks.after(0)).toBe(1_000_007)
    expect(ticks.after(1_000_006)).toBe(1_000_007)
    expect(ticks.after(1_000_007)).toBe(1_000_007 + 5 * MINUTE_MS)
    expect(ticks.after(1_000_007 + DAY_MS)).toBe(1_000_007 + DAY_MS + 5 * MINUTE_MS)
  })

  it.each([
    'rate(0 minutes)',
    'rate(1 minutes)',
    'rate(2 minute)',
    'rate(1 second)',
    'rate(-1 hours)',
    'rate(367 days)',
    'rate()',
  ])('%s is refused', (expression) => {
    expect(() => readTicks(expression, { anchorMs: 0 })).toThrow(ExpressionError)
  })
})

describe('at', () => {
  it('is one moment of its zone', () => {
    expect(next('at(2026-07-01T12:00:00)', '2026-01-01T00:00:00Z', 2, 'America/New_York')).toEqual(['2026-07-01T16:00'])
    expect(next('at(2025-07-01T12:00:00)', '2026-01-01T00:00:00Z', 2)).toEqual([])
  })

  it.each(['at(2026-02-30T00:00:00)', 'at(2026-07-01)', 'at(2026-07-01T12:00:00Z)', 'at(now)'])('%s is refused', (expression) => {
    expect(() => readTicks(expression, { anchorMs: 0 })).toThrow(`${expression} must be a time like`)
  })
})

describe('where clocks change', () => {
  it('runs a fixed time that is not there after the gap', () => {
    expect(next('cron(30 2 * * ? *)', '2026-03-28T12:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ])
    expect(next('30 2 * * *', '2026-03-07T12:00:00Z', 2, 'America/New_York')).toEqual(['2026-03-08T07:00', '2026-03-09T06:30'])
  })

  it('runs a fixed time that is there twice the first time only', () => {
    expect(next('cron(30 2 * * ? *)', '2026-10-24T12:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ])
    expect(next('30 1 * * *', '2026-10-31T12:00:00Z', 2, 'America/New_York')).toEqual(['2026-11-01T05:30', '2026-11-02T06:30'])
  })

  it('runs what is due each hour each hour', () => {
    expect(next('cron(0 * * * ? *)', '2026-10-24T23:00:00Z', 3, 'Europe/Berlin')).toEqual([
      '2026-10-25T00:00',
      '2026-10-25T01:00',
      '2026-10-25T02:00',
    ])
  })

  it('knows zones by their names only', () => {
    expect(() => readTicks('@daily', { timezone: 'Mars/Olympus', anchorMs: 0 })).toThrow('"Mars/Olympus" is no time zone')
  })
})
