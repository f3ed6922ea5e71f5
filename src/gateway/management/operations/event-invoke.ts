import type { FunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest } from '@aws-sdk/client-lambda'
import type { Control } from '../../../control/control.ts'
import { formatFunctionArn, LATEST, type FunctionReference } from '../../../functions/arn.ts'
import { invalidParameter, notFound } from '../../../functions/lambda-error.ts'
import type { EventInvokeRecord } from '../../../store/records.ts'
import type { Transaction } from '../../../store/contract.ts'
import type { Operations } from '../contract.ts'
import { refuseSelf, requireDestination } from '../destination.ts'
import { findFunction, findVersion, nameOf, referenceOf } from '../find.ts'
import { page } from '../page.ts'

type Given = Pick<PutFunctionEventInvokeConfigRequest, 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | 'DestinationConfig'>

/** How asynchronous invocations of a function, version or alias are retried, and where their results go. */
export const eventInvoke: Operations<
  | 'PutFunctionEventInvokeConfig'
  | 'UpdateFunctionEventInvokeConfig'
  | 'GetFunctionEventInvokeConfig'
  | 'ListFunctionEventInvokeConfigs'
  | 'DeleteFunctionEventInvokeConfig'
> = {
  PutFunctionEventInvokeConfig: (input, control) => write(referenceOf(input, control), input, control, 'replace'),

  UpdateFunctionEventInvokeConfig: (input, control) => write(referenceOf(input, control), input, control, 'change'),

  async GetFunctionEventInvokeConfig(input, control) {
    const reference = referenceOf(input, control)
    await findVersion(reference, control.store, control)
    const found = await control.store.get('event_invoke_configs', keyOf(reference))
    if (found === undefined) throw missing(reference, control)
    return view(found, control)
  },

  async ListFunctionEventInvokeConfigs(input, control) {
    const name = nameOf(input, control)
    await findFunction(name, control.store, control)
    const { items, NextMarker } = await page(
      input,
      (range) => control.store.list('event_invoke_configs', { where: { name }, ...range }),
      (record) => [record.name, record.qualifier],
    )
    return { FunctionEventInvokeConfigs: items.map((record) => view(record, control)), NextMarker }
  },

  async DeleteFunctionEventInvokeConfig(input, control) {
    const reference = referenceOf(input, control)
    await control.store.transact(async (tx) => {
      await findVersion(reference, tx, control)
      const [name, qualifier] = keyOf(reference)
      if ((await tx.get('event_invoke_configs', [name, qualifier])) === undefined) throw missing(reference, control)
      tx.delete('event_invoke_configs', { name, qualifier })
    })
    return {}
  },
}

const keyOf = ({ name, qualifier = LATEST }: FunctionReference) => [name, qualifier] as const

const missing = ({ name, qualifier = LATEST }: FunctionReference, { account }: Control): Error =>
  notFound(`The function ${formatFunctionArn(account, name, qualifier)} doesn't have an EventInvokeConfig`)

async function write(
  reference: FunctionReference,
  given: Given,
  control: Control,
  how: 'replace' | 'change',
): Promise<FunctionEventInvokeConfig> {
  const { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } = given
  if (MaximumRetryAttempts === undefined && MaximumEventAgeInSeconds === undefined && DestinationConfig === undefined)
    throw invalidParameter('You must specify at least one of error handling or destination setting.')
  const destination = async (place: 'OnSuccess' | 'OnFailure'): Promise<string | undefined> => {
    const arn = DestinationConfig?.[place]?.Destination
    refuseSelf(arn, `${place} destination`, reference.name, control.account)
    return await requireDestination(arn, `${place} destination`, ['queue', 'function', 'stream', 'http'], control)
  }
  const onSuccess = await destination('OnSuccess')
  const onFailure = await destination('OnFailure')
  const record = await control.store.transact(async (tx) => {
    await findVersion(reference, tx, control)
    const base = await baseOf(reference, tx, control, how)
    const next: EventInvokeRecord = {
      ...base,
      lastModified: new Date(control.now()).toISOString(),
      ...(MaximumRetryAttempts !== undefined && { maximumRetryAttempts: MaximumRetryAttempts }),
      ...(MaximumEventAgeInSeconds !== undefined && { maximumEventAgeSeconds: MaximumEventAgeInSeconds }),
      // A destination that is given as nothing is taken away.
      ...(DestinationConfig?.OnSuccess !== undefined && { onSuccess }),
      ...(DestinationConfig?.OnFailure !== undefined && { onFailure }),
    }
    tx.put('event_invoke_configs', next)
    return next
  })
  return view(record, control)
}

async function baseOf(
  reference: FunctionReference,
  tx: Transaction,
  control: Control,
  how: 'replace' | 'change',
): Promise<Omit<EventInvokeRecord, 'lastModified'>> {
  const [name, qualifier] = keyOf(reference)
  const found = await tx.get('event_invoke_configs', [name, qualifier])
  if (how === 'change') {
    if (found === undefined) throw missing(reference, control)
    return found
  }
  return {
    name,
    qualifier,
    maximumRetryAttempts: undefined,
    maximumEventAgeSeconds: undefined,
    onSuccess: undefined,
    onFailure: undefined,
  }
}

function view(record: EventInvokeRecord, { account }: Control): FunctionEventInvokeConfig {
  const { maximumRetryAttempts, maximumEventAgeSeconds, onSuccess, onFailure } = record
  return {
    LastModified: new Date(record.lastModified),
    FunctionArn: formatFunctionArn(account, record.name, record.qualifier),
    ...(maximumRetryAttempts !== undefined && { MaximumRetryAttempts: maximumRetryAttempts }),
    ...(maximumEventAgeSeconds !== undefined && { MaximumEventAgeInSeconds: maximumEventAgeSeconds }),
    DestinationConfig: {
      OnSuccess: onSuccess === undefined ? {} : { Destination: onSuccess },
      OnFailure: onFailure === undefined ? {} : { Destination: onFailure },
    },
  }
}
