import type { Account } from './arn.ts'

/** The ARN of what `POST /events` is put on, as EventBridge has it: there is one bus. */
export const formatBusArn = ({ region, id }: Account): string => `arn:aws:events:${region}:${id}:event-bus/default`
