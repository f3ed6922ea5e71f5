import type { Control } from '../../control/control.ts'
import { invalid, noSuchGroup } from './error.ts'
import type { LogsInput } from './input.ts'
import { readToken, writeToken } from './token.ts'

/** CloudWatch Logs gives no more at once. */
const MOST = 50

const groupArn = ({ account }: Control, name: string): string => `arn:aws:logs:${account.region}:${account.id}:log-group:${name}`

/** One more is asked for than is given: then there is a page behind this one. */
function pageOf<T>(found: readonly T[], limit: number, token: (last: T) => string): { items: readonly T[]; nextToken?: string } {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, ...(found.length > limit && last !== undefined && { nextToken: token(last) }) }
}

export async function describeLogGroups(input: LogsInput, control: Control): Promise<object> {
  const prefix = input.text('logGroupNamePrefix') ?? ''
  const pattern = input.text('logGroupNamePattern') ?? ''
  const limit = input.integer('limit', { min: 1, max: MOST }) ?? MOST
  const token = input.text('nextToken', { max: 4096 })
  const wantsClass = input.choice('logGroupClass', ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY'])
  // There are none but this account's.
  input.flag('includeLinkedAccounts')
  input.end()
  if (prefix !== '' && pattern !== '')
    throw invalid('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.')
  const after = token === undefined ? undefined : readToken(token, 'groups', ['string'])[0]
  await control.logs.collect()
  const found =
    wantsClass === undefined || wantsClass === 'STANDARD'
      ? await control.logs.store.groups({ prefix, pattern, after, limit: limit + 1 })
      : []
  const { items, ...next } = pageOf(found, limit, ({ name }) => writeToken('groups', [name]))
  return {
    logGroups: items.map(({ name, createdMs, retentionDays, bytes }) => ({
      logGroupName: name,
      creationTime: createdMs,
      ...(retentionDays !== undefined && { retentionInDays: retentionDays }),
      metricFilterCount: 0,
      arn: `${groupArn(control, name)}:*`,
      logGroupArn: groupArn(control, name),
      logGroupClass: 'STANDARD',
      storedBytes: bytes,
    })),
    ...next,
  }
}

export async function describeLogStreams(input: LogsInput, control: Control): Promise<object> {
  const group = input.group(control.account)
  const prefix = input.text('logStreamNamePrefix') ?? ''
  const orderBy = input.choice('orderBy', ['LogStreamName', 'LastEventTime']) === 'LastEventTime' ? 'last event' : 'name'
  const descending = input.flag('descending')
  const limit = input.integer('limit', { min: 1, max: MOST }) ?? MOST
  const token = input.text('nextToken', { max: 4096 })
  input.end()
  if (orderBy === 'last event' && prefix !== '') throw invalid('Cannot order by LastEventTime with a logStreamNamePrefix.')
  const [name, lastMs] = token === undefined ? [] : readToken(token, `streams ${orderBy}`, ['string', 'number'])
  const after = name === undefined || lastMs === undefined ? undefined : { name, lastMs }
  await control.logs.collect()
  const found = await control.logs.store.streams({ group, prefix, orderBy, descending, after, limit: limit + 1 })
  if (found === undefined) throw noSuchGroup()
  const { items, ...next } = pageOf(found, limit, (last) => writeToken(`streams ${orderBy}`, [last.name, last.lastMs]))
  return {
    logStreams: items.map(({ name, createdMs, firstMs, lastMs, ingestedMs }) => ({
      logStreamName: name,
      creationTime: createdMs,
      firstEventTimestamp: firstMs,
      lastEventTimestamp: lastMs,
      lastIngestionTime: ingestedMs,
      arn: `${groupArn(control, group)}:log-stream:${name}`,
      // AWS gives 0 since 2019, whatever the stream has.
      storedBytes: 0,
    })),
    ...next,
  }
}
