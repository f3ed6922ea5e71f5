import type { GetLayerVersionResponse, LayerVersionsListItem, Runtime } from '@aws-sdk/client-lambda'
import type { Control } from '../../../control/control.ts'
import { openPackage } from '../../../control/zip.ts'
import { codeSha256, formatLastModified } from '../../../functions/definition.ts'
import { conflict, invalidParameter, notFound, requireRevision } from '../../../functions/lambda-error.ts'
import { formatLayerArn, formatLayerVersionArn, parseLayerName, parseLayerVersionArn } from '../../../functions/layer.ts'
import type { Statement } from '../../../functions/policy.ts'
import { QUOTAS } from '../../../functions/quotas.ts'
import { refuseUnsupportedCode } from '../../../functions/unsupported.ts'
import type { Store, Transaction } from '../../../store/contract.ts'
import type { LayerRecord, LayerVersionRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { page } from '../page.ts'
import { conditionsOf, formatPolicy, principalOf, requireLength } from '../policy.ts'

/** Layers: zips that functions share. Their versions never change. */
export const layers: Operations<
  | 'PublishLayerVersion'
  | 'GetLayerVersion'
  | 'GetLayerVersionByArn'
  | 'ListLayerVersions'
  | 'ListLayers'
  | 'DeleteLayerVersion'
  | 'AddLayerVersionPermission'
  | 'RemoveLayerVersionPermission'
  | 'GetLayerVersionPolicy'
> = {
  async PublishLayerVersion(input, control, _caller, origin) {
    const layer = parseLayerName(input.LayerName ?? '', control.account)
    const { ZipFile, ...otherCode } = input.Content ?? {}
    refuseUnsupportedCode(otherCode, 'Content.')
    if (ZipFile === undefined || ZipFile.length === 0) throw invalidParameter('Please provide a source for layer content.')
    if (ZipFile.length > QUOTAS.zippedBytes)
      throw invalidParameter(`The zip has ${ZipFile.length} bytes, the limit is ${QUOTAS.zippedBytes}`)
    const { files, unzippedBytes } = await openPackage(ZipFile)
    if (files.size === 0) throw invalidParameter('Uploaded file must be a non-empty zip')
    using code = await control.code.put(ZipFile)
    const record = await control.store.transact(async (tx) => {
      const number = ((await tx.get('layers', [layer]))?.lastVersion ?? 0) + 1
      const published: LayerVersionRecord = {
        layer,
        number,
        description: input.Description ?? '',
        createdAt: formatLastModified(control.now()),
        code: { sha256: code.sha256, bytes: code.bytes, unzippedBytes },
        compatibleRuntimes: input.CompatibleRuntimes ?? [],
        compatibleArchitectures: input.CompatibleArchitectures ?? [],
        licenseInfo: input.LicenseInfo,
        policy: undefined,
      }
      tx.put('layers', { layer, lastVersion: number })
      tx.put('layer_versions', published)
      return published
    })
    return viewWhole(record, control, origin)
  },

  async GetLayerVersion(input, control, _caller, origin) {
    return viewWhole(await findLayerVersion(input, control.store, control), control, origin)
  },

  async GetLayerVersionByArn({ Arn = '' }, control, _caller, origin) {
    const reference = parseLayerVersionArn(Arn, control.account)
    if (reference === undefined) throw missing()
    const { layer, number } = reference
    const found = await findLayerVersion({ LayerName: layer, VersionNumber: number }, control.store, control)
    return viewWhole(found, control, origin)
  },

  async ListLayerVersions(input, control) {
    const layer = parseLayerName(input.LayerName ?? '', control.account)
    // The newest first, unlike the order of keys.
    const all = await versionsOf(layer, input, control)
    const { items, NextMarker } = await page(
      input,
      ({ after, limit }) =>
        Promise.resolve(all.filter(({ number }) => after === undefined || number < Number(after[0])).slice(0, limit)),
      ({ number }) => [number],
    )
    return { LayerVersions: items.map((one) => view(one, control)), NextMarker }
  },

  async ListLayers(input, control) {
    const { items, NextMarker } = await page(
      input,
      async ({ after, limit }) => {
        const found: { readonly layer: string; readonly latest: LayerVersionRecord }[] = []
        let last = after
        while (found.length < limit) {
          const some: readonly LayerRecord[] = await control.store.list('layers', {
            limit,
            ...(last !== undefined && { after: last }),
          })
          for (const { layer } of some) {
            const [latest] = await versionsOf(layer, input, control)
            if (latest !== undefined) found.push({ layer, latest })
          }
          const end = some.at(-1)
          if (end === undefined || some.length < limit) break
          last = [end.layer]
        }
        return found.slice(0, limit)
      },
      ({ layer }) => [layer],
    )
    return {
      Layers: items.map(({ layer, latest }) => ({
        LayerName: layer,
        LayerArn: formatLayerArn(control.account, layer),
        LatestMatchingVersion: view(latest, control),
      })),
      NextMarker,
    }
  },

  /** Functions that use it go on with it. */
  async DeleteLayerVersion(input, control) {
    const [layer, number] = keyOf(input, control)
    const gone = await control.store.transact(async (tx) => {
      const found = await tx.get('layer_versions', [layer, number])
      if (found !== undefined) tx.delete('layer_versions', { layer, number })
      return found
    })
    if (gone !== undefined) await control.garbage.collect([gone.code.sha256])
    return {}
  },

  async AddLayerVersionPermission(input, control) {
    const { StatementId = '', Action = '', Principal = '', OrganizationId } = input
    if (OrganizationId !== undefined && Principal !== '*')
      throw invalidParameter('OrganizationId can only be given with the principal *')
    const Condition = conditionsOf([['StringEquals', 'aws:PrincipalOrgID', OrganizationId]])
    const [layer, number] = keyOf(input, control)
    const statement: Statement = {
      Sid: StatementId,
      Effect: 'Allow',
      Principal: principalOf(Principal),
      Action,
      Resource: formatLayerVersionArn(control.account, layer, number),
      ...(Condition !== undefined && { Condition }),
    }
    const RevisionId = await changePolicy(input, control, (statements) => {
      if (statements.some(({ Sid }) => Sid === StatementId))
        throw conflict(
          `The statement id (${StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        )
      return requireLength([...statements, statement])
    })
    return { Statement: JSON.stringify(statement), RevisionId }
  },

  async RemoveLayerVersionPermission(input, control) {
    await changePolicy(input, control, (statements) => {
      const left = statements.filter(({ Sid }) => Sid !== input.StatementId)
      if (left.length === statements.length)
        throw notFound(`Statement ${input.StatementId ?? ''} is not found in resource policy.`)
      return left
    })
    return {}
  },

  async GetLayerVersionPolicy(input, control) {
    const { policy } = await findLayerVersion(input, control.store, control)
    if (policy === undefined) throw notFound('No policy is associated with the given resource.')
    return { Policy: formatPolicy(policy.statements), RevisionId: policy.revisionId }
  },
}

interface Named {
  readonly LayerName: string | undefined
  readonly VersionNumber: number | undefined
}

const missing = (): Error => notFound('The resource you requested does not exist.')

function keyOf({ LayerName = '', VersionNumber = 0 }: Named, { account }: Control): [string, number] {
  if (VersionNumber < 1) throw invalidParameter('Layer Version Cannot be less than 1')
  return [parseLayerName(LayerName, account), VersionNumber]
}

async function findLayerVersion(named: Named, from: Store | Transaction, control: Control): Promise<LayerVersionRecord> {
  const found = await from.get('layer_versions', keyOf(named, control))
  if (found === undefined) throw missing()
  return found
}

interface Wanted {
  readonly CompatibleRuntime?: string | undefined
  readonly CompatibleArchitecture?: string | undefined
}

/** Those that fit, the newest first. */
async function versionsOf(
  layer: string,
  { CompatibleRuntime, CompatibleArchitecture }: Wanted,
  { store }: Control,
): Promise<readonly LayerVersionRecord[]> {
  const all = await store.list('layer_versions', { where: { layer } })
  return all
    .filter(
      ({ compatibleRuntimes, compatibleArchitectures }) =>
        (CompatibleRuntime === undefined || compatibleRuntimes.includes(CompatibleRuntime)) &&
        (CompatibleArchitecture === undefined || compatibleArchitectures.includes(CompatibleArchitecture)),
    )
    .toReversed()
}

/** Gives the policy's new revision; '' when there is none any more. */
function changePolicy(
  input: Named & { readonly RevisionId?: string | undefined },
  control: Control,
  change: (statements: readonly Statement[]) => readonly Statement[],
): Promise<string> {
  return control.store.transact(async (tx) => {
    const record = await findLayerVersion(input, tx, control)
    const { policy } = record
    requireRevision(input.RevisionId, policy?.revisionId ?? '')
    const statements = change(policy?.statements ?? [])
    const next = statements.length === 0 ? undefined : { revisionId: control.uuid(), statements }
    tx.put('layer_versions', { ...record, policy: next })
    return next?.revisionId ?? ''
  })
}

function view(record: LayerVersionRecord, { account }: Control): LayerVersionsListItem {
  const { layer, number, description, createdAt, compatibleRuntimes, compatibleArchitectures, licenseInfo } = record
  return {
    LayerVersionArn: formatLayerVersionArn(account, layer, number),
    Version: number,
    Description: description,
    CreatedDate: createdAt,
    ...(compatibleRuntimes.length > 0 && { CompatibleRuntimes: [...compatibleRuntimes] as Runtime[] }),
    ...(compatibleArchitectures.length > 0 && {
      CompatibleArchitectures: [...compatibleArchitectures] as NonNullable<LayerVersionsListItem['CompatibleArchitectures']>,
    }),
    ...(licenseInfo !== undefined && { LicenseInfo: licenseInfo }),
  }
}

const viewWhole = (record: LayerVersionRecord, control: Control, origin: string): GetLayerVersionResponse => ({
  ...view(record, control),
  LayerArn: formatLayerArn(control.account, record.layer),
  Content: {
    Location: control.links.make(record.code.sha256, origin),
    CodeSha256: codeSha256(record.code),
    CodeSize: record.code.bytes,
  },
})
