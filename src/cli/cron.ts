import { AmpouleError } from '../errors.ts'
import type { Command } from './command.ts'
import { integerOption, textOption } from './parse.ts'
import { remote, type Session } from './remote.ts'
import { formatTable } from './table.ts'

const NAME = { name: 'NAME', about: 'The schedule.', required: true } as const
const MISSED = ['once', 'all', 'skip']

interface Schedule {
  readonly Name: string
  readonly State: string
  readonly ScheduleExpression: string
  readonly ScheduleExpressionTimezone: string
  /** Seconds since the epoch. */
  readonly NextTick?: number
  readonly Target: { readonly Arn: string }
}

export const cronCommands: readonly Command[] = [
  remote({
    name: 'cron create',
    summary: 'Run a function at certain times.',
    positionals: [
      NAME,
      {
        name: 'EXPRESSION',
        about: 'When: "0 6 * * *", "cron(0 6 ? * MON-FRI *)", "rate(5 minutes)" or "at(2026-12-31T23:59:59)".',
        required: true,
      },
      { name: 'FUNCTION', about: 'The function, or NAME:ALIAS, or the ARN of a queue.', required: true },
    ],
    options: {
      timezone: { type: 'string', value: 'ZONE', about: 'Such as Europe/Berlin; UTC when left out.' },
      input: { type: 'string', value: 'JSON', about: 'What the function gets; an event that tells of the tick when left out.' },
      within: { type: 'string', value: 'MINUTES', about: 'Each run is at any time within so many minutes after its tick.' },
      missed: {
        type: 'string',
        value: 'POLICY',
        about: 'What runs of ticks that passed while the host was down: once, all or skip.',
        default: 'once',
      },
    },
    async run(session) {
      const { input, argument } = session
      const [ScheduleExpressionTimezone, Input] = [textOption(input, 'timezone'), textOption(input, 'input')]
      const minutes = integerOption(input, 'within', { min: 1, max: 1440 })
      const missed = textOption(input, 'missed') ?? ''
      if (!MISSED.includes(missed))
        throw new AmpouleError('InvalidRequest', `--missed is ${JSON.stringify(missed)}: it must be ${MISSED.join(', ')}`)
      const json = await schedule(session, 'POST', argument(0), {
        ScheduleExpression: argument(1),
        ...(ScheduleExpressionTimezone !== undefined && { ScheduleExpressionTimezone }),
        FlexibleTimeWindow: minutes === undefined ? { Mode: 'OFF' } : { Mode: 'FLEXIBLE', MaximumWindowInMinutes: minutes },
        MissedTickPolicy: missed,
        Target: { Arn: argument(2), ...(Input !== undefined && { Input }) },
      })
      const { NextTick } = await schedule<Schedule>(session, 'GET', argument(0))
      return { json, text: `${argument(0)} runs next at ${timeOf(NextTick)}` }
    },
  }),
  remote({
    name: 'cron list',
    summary: 'List schedules, and when they run next.',
    async run({ ask }) {
      const Schedules: Schedule[] = []
      let NextToken: string | undefined
      do {
        const query = NextToken === undefined ? {} : { NextToken }
        const page = (await ask({ method: 'GET', path: '/schedules', query, service: 'scheduler' })) as {
          readonly Schedules: readonly Schedule[]
          readonly NextToken?: string
        }
        Schedules.push(...page.Schedules)
        ;({ NextToken } = page)
      } while (NextToken !== undefined)
      const rows = Schedules.map((one) => [
        one.Name,
        one.ScheduleExpression,
        one.ScheduleExpressionTimezone,
        one.Target.Arn.replace(/^.*:(?:function:)?(?=[^:]+$)/, ''),
        one.State === 'ENABLED' ? timeOf(one.NextTick) : 'paused',
      ])
      return { json: { Schedules }, text: formatTable(['schedule', 'expression', 'zone', 'target', 'next'], rows) }
    },
  }),
  remote({
    name: 'cron run',
    summary: 'Run what a schedule runs, now.',
    positionals: [NAME],
    async run({ ask, argument }) {
      const path = `/schedules/${encodeURIComponent(argument(0))}/run`
      const json = (await ask({ method: 'POST', path, headers: JSON_TYPE, body: {}, service: 'scheduler' })) as object
      return { json, text: `${argument(0)} is about to run` }
    },
  }),
  remote({
    name: 'cron pause',
    summary: 'Run a schedule no more; ticks pass by.',
    positionals: [NAME],
    run: (session) => setState(session, 'DISABLED'),
  }),
  remote({
    name: 'cron resume',
    summary: 'Run a schedule again.',
    positionals: [NAME],
    run: (session) => setState(session, 'ENABLED'),
  }),
  remote({
    name: 'cron delete',
    summary: 'Delete a schedule.',
    positionals: [NAME],
    async run(session) {
      const json = await schedule(session, 'DELETE', session.argument(0))
      return { json, text: `${session.argument(0)} is deleted` }
    },
  }),
]

const JSON_TYPE = { 'content-type': 'application/json' }

const schedule = async <T extends object>(
  { ask }: Session,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  name: string,
  body?: object,
): Promise<T> =>
  (await ask({
    method,
    path: `/schedules/${encodeURIComponent(name)}`,
    service: 'scheduler',
    ...(body !== undefined && { body, headers: JSON_TYPE }),
  })) as T

/** What a schedule is shown with and not given. */
const SHOWN_ONLY = new Set(['Arn', 'Name', 'CreationDate', 'LastModificationDate', 'NextTick'])

/** An update replaces all of a schedule. */
async function setState(session: Session, State: 'ENABLED' | 'DISABLED') {
  const name = session.argument(0)
  const before = Object.entries(await schedule(session, 'GET', name)).filter(([key]) => !SHOWN_ONLY.has(key))
  const json = await schedule(session, 'PUT', name, { ...Object.fromEntries(before), State })
  return { json, text: State === 'ENABLED' ? `${name} is at work` : `${name} is paused` }
}

const timeOf = (seconds: number | undefined): string =>
  seconds === undefined ? 'never' : `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
