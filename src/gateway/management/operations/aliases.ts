import type { AliasConfiguration, AliasRoutingConfiguration } from '@aws-sdk/client-lambda'
import type { Control } from '../../../control/control.ts'
import { formatFunctionArn, LATEST } from '../../../functions/arn.ts'
import { conflict, invalidParameter, notFound, requireRevision } from '../../../functions/lambda-error.ts'
import type { FunctionName } from '../../../functions/name.ts'
import type { Store, Transaction } from '../../../store/contract.ts'
import type { AliasRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { findFunction, findVersion, forgetQualifier, nameOf } from '../find.ts'
import { page } from '../page.ts'
import { requireUnprovisioned } from './provisioned.ts'

/** Names that lead to a version, or to two by weight. */
export const aliases: Operations<'CreateAlias' | 'GetAlias' | 'ListAliases' | 'UpdateAlias' | 'DeleteAlias'> = {
  async CreateAlias(input, control) {
    const name = nameOf(input, control)
    const { Name: alias = '', FunctionVersion: version = '', Description: description = '' } = input
    const additional = readRouting(input.RoutingConfig)
    const record: AliasRecord = { name, alias, version, description, revisionId: control.uuid(), additional }
    await change(name, control, async (tx) => {
      await findFunction(name, tx, control)
      if ((await tx.get('aliases', [name, alias])) !== undefined)
        throw conflict(`Alias already exists: ${formatFunctionArn(control.account, name, alias)}`)
      await checkVersions(record, tx, control)
      tx.put('aliases', record)
      return record
    })
    return view(record, control)
  },

  async GetAlias(input, control) {
    const name = nameOf(input, control)
    return view(await findAlias(name, input.Name, control.store, control), control)
  },

  async ListAliases(input, control) {
    const name = nameOf(input, control)
    await findFunction(name, control.store, control)
    const wanted = input.FunctionVersion
    const { items, NextMarker } = await page(
      input,
      async ({ after, limit }) => {
        const range = { where: { name }, ...(after !== undefined && { after: [name, ...after] }) }
        const found = await control.store.list('aliases', wanted === undefined ? { ...range, limit } : range)
        const leading = found.filter(
          ({ version, additional }) => wanted === undefined || version === wanted || additional?.version === wanted,
        )
        return leading.slice(0, limit)
      },
      ({ alias }) => [alias],
    )
    return { Aliases: items.map((record) => view(record, control)), NextMarker }
  },

  async UpdateAlias(input, control) {
    const name = nameOf(input, control)
    const { FunctionVersion, Description, RoutingConfig } = input
    const record = await change(name, control, async (tx) => {
      const now = await findAlias(name, input.Name, tx, control)
      requireRevision(input.RevisionId, now.revisionId)
      const next: AliasRecord = {
        ...now,
        ...(FunctionVersion !== undefined && { version: FunctionVersion }),
        ...(Description !== undefined && { description: Description }),
        ...(RoutingConfig !== undefined && { additional: readRouting(RoutingConfig) }),
        revisionId: control.uuid(),
      }
      await checkVersions(next, tx, control)
      if ((await tx.get('provisioned_concurrency', [name, next.alias])) !== undefined) {
        if (next.version === LATEST)
          throw invalidParameter('Provisioned Concurrency Configs cannot be applied to unpublished function versions.')
        await requireUnprovisioned(next, tx)
      }
      tx.put('aliases', next)
      return next
    })
    return view(record, control)
  },

  async DeleteAlias(input, control) {
    const name = nameOf(input, control)
    await change(name, control, async (tx) => {
      await findFunction(name, tx, control)
      tx.delete('aliases', { name, alias: input.Name ?? '' })
      forgetQualifier(name, input.Name ?? '', tx)
    })
    await control.concurrency.apply()
    return {}
  },
}

/** What is provisioned goes where the alias leads before invocations do. */
function change<T>(name: FunctionName, control: Control, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return control.residence.change(name, async (lanes) => {
    const result = await control.store.transact(work)
    await control.provisioning.bring(name, lanes)
    return result
  })
}

async function findAlias(
  name: FunctionName,
  alias: string | undefined,
  from: Store | Transaction,
  control: Control,
): Promise<AliasRecord> {
  await findFunction(name, from, control)
  const found = await from.get('aliases', [name, alias ?? ''])
  if (found === undefined) throw notFound(`Cannot find alias arn: ${formatFunctionArn(control.account, name, alias)}`)
  return found
}

/** AWS Lambda, "Implement Lambda canary deployments using a weighted alias": two versions at most. Throws `InvalidParameterValueException`. */
function readRouting(config: AliasRoutingConfiguration | undefined): AliasRecord['additional'] {
  const [first, ...more] = Object.entries(config?.AdditionalVersionWeights ?? {})
  if (more.length > 0) throw invalidParameter('Number of items in AdditionalVersionWeights cannot be greater than 1')
  return first === undefined ? undefined : { version: first[0], weight: first[1] }
}

/** The same source has it: both are published, are not the same, and have the same role. */
async function checkVersions({ version, additional, name }: AliasRecord, tx: Transaction, control: Control): Promise<void> {
  const find = (qualifier: string) => findVersion({ name: name as FunctionName, qualifier }, tx, control)
  const main = await find(version)
  if (additional === undefined) return
  if (version === LATEST) throw invalidParameter('$LATEST is not supported for an alias pointing to more than 1 version')
  if (additional.version === version)
    throw invalidParameter(
      `Invalid function version ${version}. Function version ${version} is already included in routing configuration.`,
    )
  const other = await find(additional.version)
  if (main.definition.role !== other.definition.role)
    throw invalidParameter(
      `The versions ${version} and ${additional.version} have different execution roles: an alias can only lead to both when they have the same`,
    )
}

function view(
  { name, alias, version, description, revisionId, additional }: AliasRecord,
  { account }: Control,
): AliasConfiguration {
  return {
    AliasArn: formatFunctionArn(account, name, alias),
    Name: alias,
    FunctionVersion: version,
    Description: description,
    ...(additional !== undefined && {
      RoutingConfig: { AdditionalVersionWeights: { [additional.version]: additional.weight } },
    }),
    RevisionId: revisionId,
  }
}
