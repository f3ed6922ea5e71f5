import type { Control } from '../../control/control.ts'
import type { Account } from '../../functions/arn.ts'
import { formatShardId, formatStreamArn } from '../../functions/stream-arn.ts'
import type { Shard, StreamDefinition } from '../../store/stream.ts'
import { invalidArgument, KinesisError, noStream } from './error.ts'
import type { KinesisInput } from './input.ts'
import { kept, type Kept } from './kept.ts'

/** Of one stream at its making; more come by splitting. */
const MAX_SHARDS = 200
/** As a new stream of AWS that scales by itself; this host's shards have no limit of throughput. */
const ON_DEMAND_SHARDS = 4
const HOUR_MS = 3_600_000
/** Kinesis: a day to a year. */
const RETENTION_HOURS = { min: 24, max: 8760 }
const MAX_TAGS = 50
const PAGE = { min: 1, max: 10_000 }

export async function createStream(input: KinesisInput, { streams, account, now }: Control): Promise<void> {
  const name = input.stream(account)
  const count = input.integer('ShardCount', { min: 1, max: MAX_SHARDS })
  const mode = modeOf(input)
  const tags = input.strings('Tags') ?? {}
  input.end()
  checkTags(tags)
  if (mode === 'ON_DEMAND' && count !== undefined) throw invalidArgument('ShardCount must not be given with the mode ON_DEMAND.')
  const attributes: Kept = { createdMs: now(), mode, tags }
  const definition = { name, retentionMs: RETENTION_HOURS.min * HOUR_MS, attributes: { ...attributes } }
  if (!(await streams.engine.create(definition, mode === 'ON_DEMAND' ? ON_DEMAND_SHARDS : (count ?? 1))))
    throw new KinesisError('ResourceInUseException', `Stream ${name} under account ${account.id} already exists.`)
}

function modeOf(input: KinesisInput): Kept['mode'] {
  const details = input.object('StreamModeDetails')
  if (details === undefined) return 'PROVISIONED'
  const { StreamMode } = details
  if (StreamMode === 'PROVISIONED' || StreamMode === 'ON_DEMAND') return StreamMode
  throw invalidArgument(`StreamMode is ${JSON.stringify(StreamMode)}: it must be PROVISIONED or ON_DEMAND.`)
}

export async function deleteStream(input: KinesisInput, { streams, account }: Control): Promise<void> {
  const name = input.stream(account)
  // There are no consumers with a fan-out of their own.
  input.flag('EnforceConsumerDeletion')
  input.end()
  if (!(await streams.engine.remove(name))) throw noStream(name, account.id)
  streams.wake(name)
}

export async function listStreams(input: KinesisInput, { streams, account }: Control): Promise<object> {
  const limit = input.integer('Limit', PAGE) ?? 100
  const after = input.text('NextToken', { max: 1024 }) ?? input.text('ExclusiveStartStreamName', { max: 128 })
  input.text('ExclusiveStartStreamName', { max: 128 })
  input.end()
  const found = await streams.engine.definitions({ limit: limit + 1, ...(after !== undefined && { after }) })
  const shown = found.slice(0, limit)
  return {
    StreamNames: shown.map(({ name }) => name),
    StreamSummaries: shown.map((one) => ({
      StreamName: one.name,
      StreamARN: formatStreamArn(account, one.name),
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: kept(one).mode },
      StreamCreationTimestamp: kept(one).createdMs / 1000,
    })),
    HasMoreStreams: found.length > limit,
    ...(found.length > limit && { NextToken: shown.at(-1)?.name }),
  }
}

export async function describeStreamSummary(input: KinesisInput, control: Control): Promise<object> {
  const name = input.stream(control.account)
  input.end()
  const definition = await find(name, control)
  const open = (await control.streams.engine.shards(name)).filter(({ lastSequence }) => lastSequence === undefined)
  return { StreamDescriptionSummary: { ...describe(definition, control.account), OpenShardCount: open.length, ConsumerCount: 0 } }
}

export async function describeStream(input: KinesisInput, control: Control): Promise<object> {
  const name = input.stream(control.account)
  const limit = input.integer('Limit', PAGE) ?? 100
  const after = input.text('ExclusiveStartShardId', { max: 128 }) ?? ''
  input.end()
  const definition = await find(name, control)
  const shards = (await control.streams.engine.shards(name)).filter(({ number }) => formatShardId(number) > after)
  return {
    StreamDescription: {
      ...describe(definition, control.account),
      Shards: shards.slice(0, limit).map(viewShard),
      HasMoreShards: shards.length > limit,
    },
  }
}

export async function listShards(input: KinesisInput, control: Control): Promise<object> {
  const token = input.text('NextToken', { max: 1_048_576 })
  // A token names its stream.
  const [stream, after] = token === undefined ? [input.stream(control.account), undefined] : readToken(token)
  const limit = input.integer('MaxResults', PAGE) ?? 1000
  const behind = input.text('ExclusiveStartShardId', { max: 128 }) ?? ''
  input.end()
  await find(stream, control)
  const shards = (await control.streams.engine.shards(stream)).filter(({ number }) => formatShardId(number) > (after ?? behind))
  const shown = shards.slice(0, limit).map(viewShard)
  return { Shards: shown, ...(shards.length > limit && { NextToken: `${stream}/${shown.at(-1)?.ShardId}` }) }
}

function readToken(token: string): readonly [stream: string, after: string] {
  const [, stream, after] = /^([\w.-]{1,128})\/(shardId-\d{12})$/.exec(token) ?? []
  if (stream === undefined || after === undefined) throw invalidArgument('The NextToken is none that this host gave.')
  return [stream, after]
}

export async function splitShard(input: KinesisInput, control: Control): Promise<void> {
  const name = input.stream(control.account)
  const shard = input.shard('ShardToSplit')
  const key = input.required('NewStartingHashKey', input.text('NewStartingHashKey', { pattern: HASH_KEY }))
  input.end()
  await control.streams.engine.split(name, shard, BigInt(key))
  control.streams.wake(name)
}

export async function mergeShards(input: KinesisInput, control: Control): Promise<void> {
  const name = input.stream(control.account)
  const [shard, other] = [input.shard('ShardToMerge'), input.shard('AdjacentShardToMerge')]
  input.end()
  await control.streams.engine.merge(name, shard, other)
  control.streams.wake(name)
}

/** Of Kinesis's model. */
export const HASH_KEY = /^(?:0|[1-9]\d{0,38})$/

export const changeRetention =
  (direction: 'longer' | 'shorter') =>
  async (input: KinesisInput, control: Control): Promise<void> => {
    const name = input.stream(control.account)
    const hours = input.required('RetentionPeriodHours', input.integer('RetentionPeriodHours', { min: 1 }))
    input.end()
    const definition = await find(name, control)
    const { min, max } = RETENTION_HOURS
    if (hours < min || hours > max)
      throw invalidArgument(`The retention period of ${hours} hours must be from ${min} to ${max} hours.`)
    const now = definition.retentionMs / HOUR_MS
    if (direction === 'longer' ? hours < now : hours > now)
      throw invalidArgument(`The retention period is ${now} hours: ${hours} hours is not ${direction}.`)
    await control.streams.engine.change({ ...definition, retentionMs: hours * HOUR_MS })
  }

export async function addTags(input: KinesisInput, control: Control): Promise<void> {
  const name = input.stream(control.account)
  const tags = input.required('Tags', input.strings('Tags'))
  input.end()
  await changeTags(name, (before) => ({ ...before, ...tags }), control)
}

export async function removeTags(input: KinesisInput, control: Control): Promise<void> {
  const name = input.stream(control.account)
  const keys = new Set(input.texts('TagKeys', { most: MAX_TAGS }))
  input.end()
  await changeTags(name, (before) => Object.fromEntries(Object.entries(before).filter(([key]) => !keys.has(key))), control)
}

export async function listTags(input: KinesisInput, control: Control): Promise<object> {
  const name = input.stream(control.account)
  const limit = input.integer('Limit', { min: 1, max: MAX_TAGS }) ?? MAX_TAGS
  const after = input.text('ExclusiveStartTagKey', { max: 128 }) ?? ''
  input.end()
  const tags = Object.entries(kept(await find(name, control)).tags)
    .filter(([key]) => key > after)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { Tags: tags.slice(0, limit).map(([Key, Value]) => ({ Key, Value })), HasMoreTags: tags.length > limit }
}

async function changeTags(name: string, change: (tags: Kept['tags']) => Kept['tags'], control: Control): Promise<void> {
  const definition = await find(name, control)
  const tags = change(kept(definition).tags)
  checkTags(tags)
  await control.streams.engine.change({ ...definition, attributes: { ...definition.attributes, tags } })
}

function checkTags(tags: Kept['tags']): void {
  const names = Object.keys(tags)
  if (names.length > MAX_TAGS) throw invalidArgument(`There are ${names.length} tags, the limit is ${MAX_TAGS}.`)
  for (const [key, value] of Object.entries(tags))
    if (key.length === 0 || key.length > 128 || value.length > 256)
      throw invalidArgument(`The tag ${key.slice(0, 128)} must have a key of 1 to 128 characters and a value of up to 256.`)
}

export async function find(name: string, { streams, account }: Pick<Control, 'streams' | 'account'>): Promise<StreamDefinition> {
  const found = await streams.engine.definition(name)
  if (found === undefined) throw noStream(name, account.id)
  return found
}

const describe = (definition: StreamDefinition, account: Account): object => ({
  StreamName: definition.name,
  StreamARN: formatStreamArn(account, definition.name),
  StreamStatus: 'ACTIVE',
  StreamModeDetails: { StreamMode: kept(definition).mode },
  RetentionPeriodHours: definition.retentionMs / HOUR_MS,
  StreamCreationTimestamp: kept(definition).createdMs / 1000,
  EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
  EncryptionType: 'NONE',
})

function viewShard({ number, startHash, endHash, parents, firstSequence, lastSequence }: Shard) {
  const [parent, adjacent] = parents
  return {
    ShardId: formatShardId(number),
    HashKeyRange: { StartingHashKey: String(startHash), EndingHashKey: String(endHash) },
    SequenceNumberRange: {
      StartingSequenceNumber: String(firstSequence),
      ...(lastSequence !== undefined && { EndingSequenceNumber: String(lastSequence) }),
    },
    ...(parent !== undefined && { ParentShardId: formatShardId(parent) }),
    ...(adjacent !== undefined && { AdjacentParentShardId: formatShardId(adjacent) }),
  }
}
