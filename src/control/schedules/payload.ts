import type { Account } from '../../functions/arn.ts'
import type { Execution, ScheduleRecord } from '../../store/records.ts'

export const scheduleArn = ({ region, id }: Account, name: string): string =>
  `arn:aws:scheduler:${region}:${id}:schedule/default/${name}`

const seconds = (timeMs: number): string => new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, 'Z')

/**
 * What a target gets: its `Input`, with EventBridge Scheduler's context attributes filled in, or an event like those of EventBridge's scheduled
 * rules.
 */
export function payloadOf({ name, target }: ScheduleRecord, { id, tickMs }: Execution, account: Account): string {
  const arn = scheduleArn(account, name)
  if (target.input !== undefined)
    return target.input
      .replaceAll('<aws.scheduler.schedule-arn>', arn)
      .replaceAll('<aws.scheduler.scheduled-time>', seconds(tickMs))
      .replaceAll('<aws.scheduler.execution-id>', id)
      .replaceAll('<aws.scheduler.attempt-number>', '1')
  return JSON.stringify({
    version: '0',
    id,
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: account.id,
    time: seconds(tickMs),
    region: account.region,
    resources: [arn],
    detail: '{}',
  })
}
