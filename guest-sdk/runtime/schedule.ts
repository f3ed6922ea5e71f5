import { ACCOUNT, type Identity } from './context.ts'
import type { ScheduledTick } from './function.ts'
import type { ScheduledEvent } from '../types/function.ts'
import type { EventBridgeScheduledEvent } from '../types/lambda.ts'

export const toScheduledEvent = ({ schedule, cron, time }: ScheduledTick): ScheduledEvent => ({
  schedule,
  cron,
  scheduledTime: time,
})

/** A tick as EventBridge gives it to a Lambda function. */
export const toEventBridgeEvent = ({ id, schedule, time }: ScheduledTick, { region }: Identity): EventBridgeScheduledEvent => ({
  version: '0',
  id,
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: ACCOUNT,
  time: `${new Date(time).toISOString().slice(0, 19)}Z`,
  region,
  resources: [`arn:aws:events:${region}:${ACCOUNT}:rule/${schedule}`],
  detail: {},
})
