import { Hono } from 'hono'
import type { Control } from '../../control/control.ts'
import { scheduleArn } from '../../control/schedules/payload.ts'
import type { Observer } from '../../observe/records.ts'
import type { ScheduleRecord } from '../../store/records.ts'
import { readSchedule, requireDefaultGroup } from './definition.ts'
import { invalid, noSchedule, SchedulerError } from './error.ts'

const MAX_PAGE = 100
const NAME = /^[0-9a-zA-Z-_.]{1,64}$/

/**
 * Schedules as Amazon EventBridge Scheduler's API has them (2021-06-30), of one group; beside its fields there are `MissedTickPolicy`, `NextTick`
 * (seconds since the epoch) and `POST /schedules/NAME/run`.
 */
export function createSchedulerApp(control: Control, observe: Observer): Hono {
  const { store, schedules, account } = control
  const app = new Hono({ strict: false })

  const find = async (name: string): Promise<ScheduleRecord> => {
    const found = await store.get('schedules', [nameOf(name)])
    if (found === undefined) throw noSchedule(name)
    return found
  }

  app.get('/', async (c) => {
    const query = new URL(c.req.url).searchParams
    requireDefaultGroup(query.get('ScheduleGroup') ?? undefined)
    const limit = limitOf(query.get('MaxResults'))
    const [prefix, state] = [query.get('NamePrefix') ?? '', query.get('State')]
    const wanted: ScheduleRecord[] = []
    let after = query.get('NextToken') ?? ''
    // One more than a page tells that there is another.
    for (let page = [{ name: after }] as readonly { readonly name: string }[]; page.length > 0 && wanted.length <= limit;) {
      const records = await store.list('schedules', { limit: MAX_PAGE, after: [after] })
      page = records
      after = records.at(-1)?.name ?? after
      wanted.push(...records.filter((one) => one.name.startsWith(prefix) && (state === null || state === stateOf(one))))
    }
    const shown = wanted.slice(0, limit)
    return c.json({
      Schedules: shown.map((record) => summaryOf(record, control)),
      ...(wanted.length > limit && { NextToken: shown.at(-1)?.name }),
    })
  })

  app.post('/:name', async (c) => {
    const name = nameOf(c.req.param('name'))
    const record = await readSchedule(name, new Uint8Array(await c.req.arrayBuffer()), undefined, control)
    await store.transact(async (tx) => {
      if ((await tx.get('schedules', [name])) !== undefined)
        throw new SchedulerError('ConflictException', `Schedule ${name} already exists.`)
      tx.put('schedules', record)
    })
    await schedules.apply(name)
    return c.json({ ScheduleArn: scheduleArn(account, name) })
  })

  app.put('/:name', async (c) => {
    const before = await find(c.req.param('name'))
    const record = await readSchedule(before.name, new Uint8Array(await c.req.arrayBuffer()), before, control)
    await store.transact(async (tx) => {
      const found = await tx.get('schedules', [record.name])
      if (found === undefined) throw noSchedule(record.name)
      tx.put('schedules', { ...record, sending: found.sending })
    })
    await schedules.apply(record.name)
    return c.json({ ScheduleArn: scheduleArn(account, record.name) })
  })

  app.get('/:name', async (c) => {
    requireDefaultGroup(new URL(c.req.url).searchParams.get('groupName') ?? undefined)
    return c.json(viewOf(await find(c.req.param('name')), control))
  })

  app.delete('/:name', async (c) => {
    requireDefaultGroup(new URL(c.req.url).searchParams.get('groupName') ?? undefined)
    const { name } = await find(c.req.param('name'))
    await store.transact(async (tx) => Promise.resolve(tx.delete('schedules', { name })))
    await schedules.apply(name)
    return c.json({})
  })

  app.post('/:name/run', async (c) => {
    const { name } = await find(c.req.param('name'))
    if (!(await schedules.run(name))) throw noSchedule(name)
    return c.json({}, 202)
  })

  app.onError((error) => {
    if (error instanceof SchedulerError) return error.toResponse()
    observe({ type: 'host', time: control.now(), level: 'error', message: `a request to the scheduler failed: ${error.stack}` })
    return new SchedulerError('InternalServerException', 'The host failed').toResponse()
  })
  return app
}

function nameOf(name: string): string {
  if (NAME.test(name)) return name
  throw invalid(`The name ${JSON.stringify(name.slice(0, 100))} must have 1 to 64 letters, digits, -, _ and .`)
}

function limitOf(text: string | null): number {
  if (text === null) return MAX_PAGE
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MAX_PAGE) throw invalid(`MaxResults is ${text.slice(0, 100)}: it must be from 1 to ${MAX_PAGE}.`)
  return limit
}

const stateOf = ({ enabled }: ScheduleRecord): string => (enabled ? 'ENABLED' : 'DISABLED')

const summaryOf = (record: ScheduleRecord, { account }: Control): object => ({
  Arn: scheduleArn(account, record.name),
  Name: record.name,
  GroupName: 'default',
  State: stateOf(record),
  CreationDate: record.createdMs / 1000,
  LastModificationDate: record.modifiedMs / 1000,
  Target: { Arn: record.target.arn },
  ScheduleExpression: record.expression,
  ScheduleExpressionTimezone: record.timezone,
  ...(record.enabled && record.nextMs !== undefined && { NextTick: record.nextMs / 1000 }),
})

function viewOf(record: ScheduleRecord, control: Control): object {
  const { target, windowMinutes, startMs, endMs, description } = record
  return {
    ...summaryOf(record, control),
    ActionAfterCompletion: record.deleteWhenOver ? 'DELETE' : 'NONE',
    FlexibleTimeWindow: windowMinutes === 0 ? { Mode: 'OFF' } : { Mode: 'FLEXIBLE', MaximumWindowInMinutes: windowMinutes },
    MissedTickPolicy: record.missed,
    ...(description !== undefined && { Description: description }),
    ...(startMs !== undefined && { StartDate: startMs / 1000 }),
    ...(endMs !== undefined && { EndDate: endMs / 1000 }),
    Target: {
      Arn: target.arn,
      ...(target.role !== undefined && { RoleArn: target.role }),
      ...(target.input !== undefined && { Input: target.input }),
      RetryPolicy: { MaximumEventAgeInSeconds: target.maxAgeSeconds, MaximumRetryAttempts: 185 },
    },
  }
}
