import type { Account } from './arn.ts'

/** The ARN of a stream of the host's Redis, in the manner of ElastiCache's. */
export const formatRedisArn = ({ region, id }: Account, key: string): string =>
  `arn:aws:elasticache:${region}:${id}:stream/${key}`

/** The key of the stream of this host's Redis that the ARN is of; undefined: it is of none. */
export function parseRedisArn(arn: string, { region, id }: Account): string | undefined {
  const [, ownRegion, ownId, key] =
    /^arn:aws[a-z-]*:elasticache:([a-z0-9-]+):(\d{12}):stream\/([\w.:{}-]{1,256})$/.exec(arn) ?? []
  return ownRegion === region && ownId === id ? key : undefined
}
