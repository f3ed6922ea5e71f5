import { ExpressionError } from './error.ts'

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  /** In the order of their numbers, from `min` on. */
  readonly names?: readonly string[]
  /** What else the field takes, and how croner writes it. */
  readonly special?: (item: string, field: Field) => string | undefined
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** EventBridge, "Cron-based schedules": days of the week are 1 (Sunday) to 7. */
const FIELDS: readonly Field[] = [
  { name: 'minutes', min: 0, max: 59 },
  { name: 'hours', min: 0, max: 23 },
  { name: 'day-of-month', min: 1, max: 31, special: dayOfMonth },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day-of-week', min: 1, max: 7, names: DAYS, special: dayOfWeek },
  { name: 'year', min: 1970, max: 2199 },
]
const [DAY_OF_MONTH, DAY_OF_WEEK] = [2, 4]

/**
 * The six fields of EventBridge's cron expressions in the form of croner: seconds first, days of the week from 0, steps behind ranges only.
 * Throws `ExpressionError`.
 */
export function convertCron(text: string): string {
  const given = text.trim().split(/\s+/)
  if (given.length !== FIELDS.length)
    throw new ExpressionError(
      `cron(${text}) has ${given.length} fields, it must have ${FIELDS.length}: ${FIELDS.map(({ name }) => name).join(' ')}`,
    )
  const marks = [given[DAY_OF_MONTH], given[DAY_OF_WEEK]].filter((part) => part === '?').length
  if (marks !== 1)
    throw new ExpressionError(`cron(${text}): one of day-of-month and day-of-week must be ?, and the other one must not`)
  const fields = FIELDS.map((field, index) => {
    const part = given[index] ?? ''
    if (part === '?') {
      if (index === DAY_OF_MONTH || index === DAY_OF_WEEK) return '*'
      throw wrong(part, field)
    }
    return part
      .split(',')
      .map((item) => convertItem(item, field))
      .join(',')
  })
  return ['0', ...fields].join(' ')
}

function convertItem(item: string, field: Field): string {
  const special = field.special?.(item, field)
  if (special !== undefined) return special
  const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(item) ?? []
  const [, from, to] = /^([A-Z0-9]+)(?:-([A-Z0-9]+))?$/i.exec(range) ?? []
  if (range === '*') return step === undefined ? '*' : `*/${stepOf(step, item, field)}`
  if (from === undefined) throw wrong(item, field)
  const first = numberOf(from, item, field)
  if (to === undefined && step === undefined) return String(first)
  const last = to === undefined ? toCroner(field.max, field) : numberOf(to, item, field)
  if (last < first) throw new ExpressionError(`${JSON.stringify(item)} in ${field.name}: the range ends before it begins`)
  return `${first}-${last}${step === undefined ? '' : `/${stepOf(step, item, field)}`}`
}

function numberOf(text: string, item: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1
  const value = named >= 0 ? named + field.min : /^\d{1,4}$/.test(text) ? Number(text) : -1
  if (value < field.min || value > field.max) throw wrong(item, field)
  return toCroner(value, field)
}

const toCroner = (value: number, { names }: Field): number => (names === DAYS ? value - 1 : value)

function stepOf(text: string, item: string, field: Field): number {
  const step = Number(text)
  if (step >= 1 && step <= field.max) return step
  throw new ExpressionError(`${JSON.stringify(item)} in ${field.name}: the step must be from 1 to ${field.max}`)
}

function dayOfMonth(item: string, field: Field): string | undefined {
  if (item === 'L' || item === 'LW') return item
  const [, day] = /^(\d{1,2})W$/.exec(item) ?? []
  return day === undefined ? undefined : `${numberOf(day, item, field)}W`
}

/** `L` alone is the last day of the week; behind a day it is the last such of the month. */
function dayOfWeek(item: string, field: Field): string | undefined {
  if (item === 'L') return '6'
  const [, day, last, nth] = /^(\w+?)(?:(L)|#(\d))$/.exec(item) ?? []
  if (day === undefined) return undefined
  if (last !== undefined) return `${numberOf(day, item, field)}L`
  if (nth === '0' || Number(nth) > 5) throw new ExpressionError(`${JSON.stringify(item)} in ${field.name}: # must be from 1 to 5`)
  return `${numberOf(day, item, field)}#${nth}`
}

function wrong(item: string, { name, min, max, names }: Field): ExpressionError {
  const other = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`
  return new ExpressionError(`${JSON.stringify(item)} in ${name}: values are from ${min} to ${max}${other}`)
}
