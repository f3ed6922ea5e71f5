import { MIN_UNRESERVED, type Shares } from '../../../control/concurrency.ts'
import type { Control } from '../../../control/control.ts'
import { formatFunctionArn, LATEST, parseQualifier } from '../../../functions/arn.ts'
import { formatLastModified } from '../../../functions/definition.ts'
import { conflict, invalidParameter, LambdaError } from '../../../functions/lambda-error.ts'
import type { FunctionName } from '../../../functions/name.ts'
import type { Transaction } from '../../../store/contract.ts'
import type { AliasRecord, ProvisionedConcurrencyRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { findFunction, findVersion, nameOf, referenceOf, type Named } from '../find.ts'
import { page } from '../page.ts'

/** Provisioned concurrency: instances of a version, or of what an alias leads to, that are kept ready. */
export const provisioned: Operations<
  | 'PutProvisionedConcurrencyConfig'
  | 'GetProvisionedConcurrencyConfig'
  | 'ListProvisionedConcurrencyConfigs'
  | 'DeleteProvisionedConcurrencyConfig'
> = {
  async PutProvisionedConcurrencyConfig(input, control) {
    const { name, qualifier } = qualifiedOf(input, control)
    const requested = input.ProvisionedConcurrentExecutions ?? 0
    const record = { name, qualifier, requested, lastModified: formatLastModified(control.now()) }
    await control.concurrency.change(async (shares) => {
      await control.store.transact(async (tx) => {
        await findFunction(name, tx, control)
        await requirePublished({ name, qualifier }, tx, control)
        const before = await tx.get('provisioned_concurrency', [name, qualifier])
        await requireNoOther(name, qualifier, tx)
        requireRoom(name, requested - (before?.requested ?? 0), shares)
        tx.put('provisioned_concurrency', record)
      })
    })
    control.provisioning.start(name)
    return view(record, control)
  },

  async GetProvisionedConcurrencyConfig(input, control) {
    const { name, qualifier } = qualifiedOf(input, control)
    await findFunction(name, control.store, control)
    const found = await control.store.get('provisioned_concurrency', [name, qualifier])
    if (found === undefined)
      throw new LambdaError(
        'ProvisionedConcurrencyConfigNotFoundException',
        'No Provisioned Concurrency Config found for this function',
      )
    return view(found, control)
  },

  async ListProvisionedConcurrencyConfigs(input, control) {
    const name = nameOf(input, control)
    await findFunction(name, control.store, control)
    const { items, NextMarker } = await page(
      input,
      ({ after, limit }) =>
        control.store.list('provisioned_concurrency', {
          where: { name },
          limit,
          ...(after !== undefined && { after: [name, ...after] }),
        }),
      ({ qualifier }) => [qualifier],
    )
    const configs = items.map(async (record) => ({
      FunctionArn: formatFunctionArn(control.account, name, record.qualifier),
      ...(await view(record, control)),
    }))
    return { ProvisionedConcurrencyConfigs: await Promise.all(configs), NextMarker }
  },

  async DeleteProvisionedConcurrencyConfig(input, control) {
    const { name, qualifier } = qualifiedOf(input, control)
    // What was kept ready is let go before others may run in its place.
    await control.residence.change(name, async (lanes) => {
      await control.store.transact(async (tx) => {
        await findFunction(name, tx, control)
        tx.delete('provisioned_concurrency', { name, qualifier })
      })
      await control.provisioning.bring(name, lanes)
    })
    await control.concurrency.apply()
    return {}
  },
}

function qualifiedOf(input: Named, control: Control): { readonly name: FunctionName; readonly qualifier: string } {
  const { name, qualifier } = referenceOf(input, control)
  if (qualifier === undefined || qualifier === LATEST)
    throw invalidParameter('Provisioned Concurrency Configs cannot be applied to unpublished function versions.')
  return { name, qualifier }
}

async function requirePublished(
  reference: { readonly name: FunctionName; readonly qualifier: string },
  tx: Transaction,
  control: Control,
): Promise<void> {
  const { version, served } = await findVersion(reference, tx, control)
  if (version === LATEST)
    throw invalidParameter('Provisioned Concurrency Configs cannot be applied to unpublished function versions.')
  if (served === undefined)
    throw conflict(`The operation cannot be performed at this time. The version ${version} of the function is not active`)
}

/** A version's instances are kept for one configuration: its own, or that of an alias which leads to it. Throws `InvalidParameterValueException`. */
async function requireNoOther(name: FunctionName, qualifier: string, tx: Transaction): Promise<void> {
  const alias = await tx.get('aliases', [name, qualifier])
  if (alias !== undefined) return requireUnprovisioned(alias, tx)
  const others = await tx.list('provisioned_concurrency', { where: { name } })
  for (const other of others.filter((config) => parseQualifier(config.qualifier).kind === 'alias')) {
    const leading = await tx.get('aliases', [name, other.qualifier])
    if (leading !== undefined && versionsOf(leading).includes(qualifier))
      throw invalidParameter('Version is pointed by a Provisioned Concurrency alias')
  }
}

/** Throws `InvalidParameterValueException` when instances of a version that the alias leads to are kept for something else. */
export async function requireUnprovisioned(alias: AliasRecord, tx: Transaction): Promise<void> {
  const { name } = alias
  for (const other of await tx.list('provisioned_concurrency', { where: { name } })) {
    if (other.qualifier === alias.alias) continue
    const leading = await tx.get('aliases', [name, other.qualifier])
    const versions = leading === undefined ? [other.qualifier] : versionsOf(leading)
    if (versionsOf(alias).some((version) => versions.includes(version)))
      throw invalidParameter("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
  }
}

const versionsOf = ({ version, additional }: AliasRecord): readonly string[] =>
  additional === undefined ? [version] : [version, additional.version]

function requireRoom(name: FunctionName, more: number, { reserved, provisioned: all, unreserved }: Shares): void {
  const own = reserved.get(name)
  if (own !== undefined && (all.get(name) ?? 0) + more > own)
    throw invalidParameter(
      `Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function [${own}].`,
    )
  if (own === undefined && more > 0 && unreserved - more < MIN_UNRESERVED)
    throw invalidParameter(
      `Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${MIN_UNRESERVED}].`,
    )
}

async function view(record: ProvisionedConcurrencyRecord, control: Control) {
  const { status, reason, allocated, available } = await control.provisioning.state(record)
  return {
    RequestedProvisionedConcurrentExecutions: record.requested,
    AvailableProvisionedConcurrentExecutions: available,
    AllocatedProvisionedConcurrentExecutions: allocated,
    Status: status,
    ...(reason !== undefined && { StatusReason: reason }),
    LastModified: record.lastModified,
  }
}
