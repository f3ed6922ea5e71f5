import type { Account } from './arn.ts'

export const formatQueueArn = ({ region, id }: Account, name: string): string => `arn:aws:sqs:${region}:${id}:${name}`

/** The name of this host's queue that the ARN is of; undefined: it is of none. */
export function parseQueueArn(arn: string, { region, id }: Account): string | undefined {
  const [, ownRegion, ownId, name] = /^arn:aws[a-z-]*:sqs:([a-z0-9-]+):(\d{12}):([\w-]{1,80}(?:\.fifo)?)$/.exec(arn) ?? []
  return ownRegion === region && ownId === id ? name : undefined
}
