import type { Account } from './arn.ts'

export const formatStreamArn = ({ region, id }: Account, name: string): string => `arn:aws:kinesis:${region}:${id}:stream/${name}`

/** The name of this host's stream that the ARN is of; undefined: it is of none. */
export function parseStreamArn(arn: string, { region, id }: Account): string | undefined {
  const [, ownRegion, ownId, name] = /^arn:aws[a-z-]*:kinesis:([a-z0-9-]+):(\d{12}):stream\/([\w.-]{1,128})$/.exec(arn) ?? []
  return ownRegion === region && ownId === id ? name : undefined
}

/** As Kinesis names shards. */
export const formatShardId = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`

/** Undefined: it is none. */
export function parseShardId(id: string): number | undefined {
  const [, digits] = /^(?:shardId-)?(\d{12})$/.exec(id) ?? []
  return digits === undefined ? undefined : Number(digits)
}
