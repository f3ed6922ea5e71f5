import type { Control } from '../../../control/control.ts'
import { parseFunctionReference } from '../../../functions/arn.ts'
import { invalidParameter, notFound } from '../../../functions/lambda-error.ts'
import type { FunctionName } from '../../../functions/name.ts'
import type { Store, Transaction } from '../../../store/contract.ts'
import type { Operations } from '../contract.ts'
import { findFunction } from '../find.ts'
import { checkTags, type Tags } from '../tags.ts'

/** Tags of functions and of event source mappings, by ARN. */
export const tags: Operations<'TagResource' | 'UntagResource' | 'ListTags'> = {
  async TagResource({ Resource, Tags: added = {} }, control) {
    await changeTags(Resource, control, (own) => checkTags({ ...own, ...added }))
    return {}
  },

  async UntagResource({ Resource, TagKeys = [] }, control) {
    const removed = new Set(TagKeys)
    await changeTags(Resource, control, (own) => Object.fromEntries(Object.entries(own).filter(([key]) => !removed.has(key))))
    return {}
  },

  async ListTags({ Resource }, control) {
    const resource = readResource(Resource, control)
    if (resource.kind === 'function') return { Tags: (await findFunction(resource.name, control.store, control)).tags }
    await findMapping(resource, control.store)
    return { Tags: (await control.store.get('tags', [resource.arn]))?.tags ?? {} }
  },
}

type Resource =
  | { readonly kind: 'function'; readonly name: FunctionName }
  | { readonly kind: 'mapping'; readonly uuid: string; readonly arn: string }

async function changeTags(arn: string | undefined, control: Control, change: (own: Tags) => Tags): Promise<void> {
  const resource = readResource(arn, control)
  await control.store.transact(async (tx) => {
    if (resource.kind === 'function') {
      const record = await findFunction(resource.name, tx, control)
      tx.put('functions', { ...record, tags: change(record.tags) })
      return
    }
    await findMapping(resource, tx)
    const own = (await tx.get('tags', [resource.arn]))?.tags ?? {}
    tx.put('tags', { arn: resource.arn, tags: change(own) })
  })
}

/** Throws `InvalidParameterValueException` for what cannot have tags, and `ResourceNotFoundException` for what is not this host's. */
function readResource(arn = '', { account }: Control): Resource {
  const prefix = `arn:aws:lambda:${account.region}:${account.id}:`
  const mapping = /^arn:aws[a-zA-Z-]*:lambda:.*:event-source-mapping:([0-9a-fA-F-]+)$/.exec(arn)
  if (mapping !== null) {
    if (!arn.startsWith(prefix)) throw notFound(`The resource ${arn} does not exist`)
    const uuid = (mapping[1] ?? '').toLowerCase()
    return { kind: 'mapping', uuid, arn: `${prefix}event-source-mapping:${uuid}` }
  }
  if (!/:function:/.test(arn))
    throw invalidParameter(`The resource ${arn} cannot have tags: functions and event source mappings can`)
  const { name, qualifier } = parseFunctionReference(arn, account)
  if (qualifier !== undefined)
    throw invalidParameter('Tags on function aliases and versions are not supported. Please specify a function ARN.')
  return { kind: 'function', name }
}

async function findMapping(
  { uuid, arn }: Extract<Resource, { readonly kind: 'mapping' }>,
  from: Store | Transaction,
): Promise<void> {
  if ((await from.get('event_source_mappings', [uuid])) === undefined) throw notFound(`The resource ${arn} does not exist`)
}
