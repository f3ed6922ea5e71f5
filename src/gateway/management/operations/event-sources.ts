import type { EventSourceMappingConfiguration } from '@aws-sdk/client-lambda'
import type { Control } from '../../../control/control.ts'
import { formatFunctionArn } from '../../../functions/arn.ts'
import { conflict, invalidParameter, notFound } from '../../../functions/lambda-error.ts'
import { parseQueueArn } from '../../../functions/queue-arn.ts'
import { parseStreamArn } from '../../../functions/stream-arn.ts'
import type { QueueDefinition } from '../../../store/queue.ts'
import type { EventSourceMappingRecord } from '../../../store/records.ts'
import type { Transaction } from '../../../store/contract.ts'
import type { Operations } from '../contract.ts'
import { mappingOf, type KeptMapping, type MappingSettings } from '../../../control/triggers/mapping.ts'
import { requireDestination } from '../destination.ts'
import { readSettings, requireSource, type EventSource } from '../event-source.ts'
import { findVersion, referenceOf } from '../find.ts'
import { page } from '../page.ts'

/** Which queues and streams a function is given records of. */
export const eventSources: Operations<
  | 'CreateEventSourceMapping'
  | 'GetEventSourceMapping'
  | 'ListEventSourceMappings'
  | 'UpdateEventSourceMapping'
  | 'DeleteEventSourceMapping'
> = {
  async CreateEventSourceMapping(input, control) {
    const source = requireSource(input)
    const reference = referenceOf(input, control)
    const settings = readSettings(source, undefined, input)
    await requireFailureQueue(settings, control)
    const queue = await requireQueue(source, control)
    await requireStream(source, control)
    requireRedis(source, control)
    const uuid = control.uuid()
    const record = await control.store.transact(async (tx) => {
      const managed = await findManaged(reference, tx, control)
      if (managed !== undefined) refuseShortVisibility(queue, managed.definition.timeoutSeconds)
      const { name, qualifier } = reference
      const next = mapping({ uuid, name, source: source.arn, settings: { ...settings, qualifier } }, control)
      await refuseTwice(next, tx)
      tx.put('event_source_mappings', next)
      if (input.Tags !== undefined) tx.put('tags', { arn: mappingArn(uuid, control), tags: input.Tags })
      return next
    })
    await control.triggers.apply(record.uuid)
    return view(record, control)
  },

  async GetEventSourceMapping(input, control) {
    return view(await find(input.UUID, control.store), control)
  },

  async ListEventSourceMappings(input, control) {
    const where = {
      ...(input.EventSourceArn !== undefined && { source: input.EventSourceArn }),
      ...(input.FunctionName !== undefined && { name: referenceOf({ FunctionName: input.FunctionName }, control).name }),
    }
    const { items, NextMarker } = await page(
      input,
      (range) => control.store.list('event_source_mappings', { where, ...range }),
      ({ uuid }) => [uuid],
    )
    return { EventSourceMappings: items.map((record) => view(record, control)), NextMarker }
  },

  async UpdateEventSourceMapping(input, control) {
    await requireFailureQueue({ given: { DestinationConfig: input.DestinationConfig } }, control)
    const record = await control.store.transact(async (tx) => {
      const found = await find(input.UUID, tx)
      const settings = mappingOf(found)
      const given = input.FunctionName === undefined ? undefined : referenceOf({ FunctionName: input.FunctionName }, control)
      if (given !== undefined) await findManaged(given, tx, control)
      const { name, qualifier } = given ?? { name: found.name, qualifier: settings.qualifier }
      const source = requireSource({ EventSourceArn: found.source })
      const next = mapping(
        {
          ...found,
          name,
          settings: { ...settings, ...readSettings(source, settings, input), qualifier },
        },
        control,
      )
      if (next.name !== found.name) await refuseTwice(next, tx)
      tx.put('event_source_mappings', next)
      return next
    })
    await control.triggers.apply(record.uuid)
    return view(record, control)
  },

  async DeleteEventSourceMapping(input, control) {
    const record = await control.store.transact(async (tx) => {
      const found = await find(input.UUID, tx)
      tx.delete('event_source_mappings', { uuid: found.uuid })
      tx.delete('tags', { arn: mappingArn(found.uuid, control) })
      return found
    })
    await control.triggers.apply(record.uuid)
    return { ...view(record, control), State: 'Deleting' }
  },
}

/** Undefined: it is one of `ampoule.jsonc`, which have no record. */
const findManaged = async (
  reference: ReturnType<typeof referenceOf>,
  tx: Transaction,
  control: Control,
): Promise<Awaited<ReturnType<typeof findVersion>> | undefined> =>
  control.taken.has(reference.name) ? undefined : findVersion(reference, tx, control)

const requireFailureQueue = (
  { given }: { readonly given: Pick<MappingSettings['given'], 'DestinationConfig'> },
  control: Control,
): Promise<unknown> =>
  requireDestination(given.DestinationConfig?.OnFailure?.Destination, 'OnFailure destination', ['queue'], control)

/** Undefined for other sources. */
async function requireQueue(
  { arn, kind, fifo }: EventSource,
  { account, queues }: Control,
): Promise<QueueDefinition | undefined> {
  if (kind !== 'sqs') return undefined
  const name = parseQueueArn(arn, account)
  if (fifo && !queues.engine.capabilities.fifo)
    throw invalidParameter(`The queue engine ${queues.engine.name} has no FIFO queues: ${arn}`)
  const found = name === undefined ? undefined : await queues.engine.definition(name)
  if (found === undefined)
    throw invalidParameter(
      `Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist: ${arn}`,
    )
  return found
}

function requireRedis({ arn, kind }: EventSource, { redis }: Control): void {
  if (kind === 'redis' && redis === undefined)
    throw invalidParameter(`The event source ${arn} is a stream of Redis, and the host knows none: set redis in ampoule.jsonc`)
}

/** Of this host; those of others are kept and not read. */
async function requireStream({ arn, kind }: EventSource, { account, streams }: Control): Promise<void> {
  const name = kind === 'kinesis' ? parseStreamArn(arn, account) : undefined
  if (name !== undefined && (await streams.engine.definition(name)) === undefined)
    throw invalidParameter(`Stream not found: ${arn}`)
}

/** Else messages would be received again while the function has them. */
function refuseShortVisibility(queue: QueueDefinition | undefined, timeoutSeconds: number): void {
  if (queue === undefined || queue.visibilityMs >= timeoutSeconds * 1000) return
  throw invalidParameter(
    `Queue visibility timeout: ${queue.visibilityMs / 1000} seconds is less than Function timeout: ${timeoutSeconds} seconds`,
  )
}

const mapping = (
  { settings, ...record }: Omit<EventSourceMappingRecord, 'settings'> & { readonly settings: Omit<KeptMapping, 'lastModified'> },
  { now }: Control,
): EventSourceMappingRecord => ({
  uuid: record.uuid,
  name: record.name,
  source: record.source,
  settings: { ...settings, lastModified: now() },
})

async function find(uuid: string | undefined, from: Transaction | Control['store']): Promise<EventSourceMappingRecord> {
  const found = uuid === undefined ? undefined : await from.get('event_source_mappings', [uuid])
  if (found === undefined) throw notFound('The resource you requested does not exist.')
  return found
}

async function refuseTwice({ uuid, name, source }: EventSourceMappingRecord, tx: Transaction): Promise<void> {
  const same = (await tx.list('event_source_mappings', { where: { name, source } })).find((other) => other.uuid !== uuid)
  if (same === undefined) return
  throw conflict(
    `An event source mapping with source arn (" ${source} ") and function (" ${name} ") already exists. Please update or delete the existing mapping with UUID ${same.uuid}`,
  )
}

const mappingArn = (uuid: string, { account: { region, id } }: Control): string =>
  `arn:aws:lambda:${region}:${id}:event-source-mapping:${uuid}`

function view(record: EventSourceMappingRecord, control: Control): EventSourceMappingConfiguration {
  const { qualifier, lastModified, enabled, startingTimestampMs, given } = mappingOf(record)
  const reads = control.triggers.reads(record.source)
  const trouble = control.triggers.trouble(record.uuid)
  return {
    ...given,
    UUID: record.uuid,
    EventSourceMappingArn: mappingArn(record.uuid, control),
    EventSourceArn: record.source,
    FunctionArn: formatFunctionArn(control.account, record.name, qualifier),
    LastModified: new Date(lastModified),
    ...(startingTimestampMs !== undefined && { StartingPositionTimestamp: new Date(startingTimestampMs) }),
    LastProcessingResult:
      trouble === undefined ? (control.triggers.lastResult(record.uuid) ?? 'No records processed') : `PROBLEM: ${trouble}`,
    State: reads && enabled ? 'Enabled' : 'Disabled',
    StateTransitionReason: reads || !enabled ? 'User action' : 'This host does not read from such event sources yet',
  }
}
