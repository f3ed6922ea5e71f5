import { formatFunctionArn, LATEST, parseQualifier } from '../../../functions/arn.ts'
import { formatLastModified, type FunctionDefinition, type FunctionVersion } from '../../../functions/definition.ts'
import { conflict, invalidParameter } from '../../../functions/lambda-error.ts'
import { refuseUnsupported, refuseUnsupportedCode } from '../../../functions/unsupported.ts'
import { TABLES, type TableName } from '../../../store/records.ts'
import type { Control } from '../../../control/control.ts'
import type { FunctionName } from '../../../functions/name.ts'
import type { Operations } from '../contract.ts'
import { checkDeadLetter, checkZip, defineFunction } from '../definition.ts'
import { findFunction, findVersion, forgetQualifier, functionNotFound, nameOf, referenceOf } from '../find.ts'
import { resolveLayers } from '../layers.ts'
import { page } from '../page.ts'
import { checkTags } from '../tags.ts'
import { viewVersion } from '../view.ts'

/** Functions themselves: what makes, shows and removes them. */
export const functions: Operations<
  'CreateFunction' | 'GetFunction' | 'GetFunctionConfiguration' | 'ListFunctions' | 'DeleteFunction'
> = {
  async CreateFunction(input, control) {
    const name = nameOf(input, control)
    refuseUnsupported(input)
    const { ZipFile, ...otherCode } = input.Code ?? {}
    refuseUnsupportedCode(otherCode, 'Code.')
    const defined = defineFunction(name, input, control)
    if (ZipFile === undefined || ZipFile.length === 0) throw invalidParameter('Please provide a source for function code.')
    await checkDeadLetter(input, control)
    const tags = checkTags(input.Tags ?? {})
    if (control.taken.has(name)) throw conflict(`Function already exist: ${name} (it is declared in this host's ampoule.jsonc)`)
    await checkZip(ZipFile, defined)
    using code = await control.code.put(ZipFile)
    const make = (layers: FunctionDefinition['layers']): FunctionVersion => ({
      version: LATEST,
      definition: { ...defined, layers, code: { sha256: code.sha256, bytes: code.bytes } },
      revisionId: control.uuid(),
      lastModified: formatLastModified(control.now()),
      state: { status: 'pending' },
      lastUpdate: { status: 'done' },
      served: undefined,
    })
    const publish = input.Publish === true
    const latest = await control.store.transact(async (tx) => {
      if ((await tx.get('functions', [name])) !== undefined) throw conflict(`Function already exist: ${name}`)
      const layers = await resolveLayers(input.Layers ?? [], [], tx, control)
      if (layers.length > 0) await checkZip(ZipFile, { ...defined, layers })
      const latest = make(layers)
      await control.routing.claim(name, {}, latest.definition, tx)
      tx.put('functions', { name, latest, lastVersion: publish ? 1 : 0, tags })
      if (publish) tx.put('versions', { ...latest, name, number: 1, version: '1' })
      return latest
    })
    if (latest.definition.routes !== undefined) await control.routing.changed()
    control.activation.start(name)
    return viewVersion(name, publish ? { ...latest, version: '1' } : latest, control, publish ? '1' : undefined)
  },

  async GetFunction(input, control, _caller, origin) {
    const reference = referenceOf(input, control)
    const version = await findVersion(reference, control.store, control)
    const { tags } = await findFunction(reference.name, control.store, control)
    const concurrency = await control.store.get('concurrency', [reference.name])
    return {
      Configuration: viewVersion(reference.name, version, control, reference.qualifier),
      Code: { RepositoryType: 'Ampoule', Location: control.links.make(version.definition.code.sha256, origin) },
      ...(Object.keys(tags).length > 0 && { Tags: tags }),
      ...(concurrency !== undefined && { Concurrency: { ReservedConcurrentExecutions: concurrency.reserved } }),
    }
  },

  async GetFunctionConfiguration(input, control) {
    const reference = referenceOf(input, control)
    return viewVersion(reference.name, await findVersion(reference, control.store, control), control, reference.qualifier)
  },

  async ListFunctions(input, control) {
    if (input.MasterRegion !== undefined)
      throw invalidParameter('The parameter MasterRegion is not supported: there are no replicas')
    const { store } = control
    if (input.FunctionVersion !== 'ALL') {
      const { items, NextMarker } = await page(
        input,
        (range) => store.list('functions', range),
        ({ name }) => [name],
      )
      return { Functions: items.map(({ name, latest }) => viewVersion(name, latest, control)), NextMarker }
    }
    // Each function's $LATEST (as version 0) and then its versions; no more are read than a page has, whichever they are.
    const { items, NextMarker } = await page(
      input,
      async ({ after, limit }) => {
        const [first = '', number = -1] = after ?? []
        const started = number === -1 ? undefined : [first]
        const latest = await store.list('functions', { limit, ...(started !== undefined && { after: started }) })
        const published = await store.list('versions', { limit, ...(after !== undefined && { after }) })
        return [...latest.map((record) => ({ ...record.latest, name: record.name, number: 0 })), ...published]
          .toSorted((a, b) => (a.name === b.name ? a.number - b.number : a.name < b.name ? -1 : 1))
          .slice(0, limit)
      },
      ({ name, number }) => [name, number],
    )
    return { Functions: items.map((one) => viewVersion(one.name, one, control, one.version)), NextMarker }
  },

  async DeleteFunction(input, control) {
    const { name, qualifier } = referenceOf(input, control)
    const wanted = parseQualifier(qualifier)
    if (qualifier === undefined) await deleteFunction(name, control)
    else if (wanted.kind === 'version') await deleteVersion(name, wanted.number, control)
    else if (wanted.kind === 'latest') throw invalidParameter('$LATEST version cannot be deleted without deleting the function.')
    else throw invalidParameter('Deletion of aliases is not currently supported.')
    return { StatusCode: 204 }
  },
}

const OF_FUNCTION = (Object.keys(TABLES) as TableName[]).filter((table) => TABLES[table].ofFunction === true)

async function deleteFunction(name: FunctionName, control: Control): Promise<void> {
  let routed = false
  await control.residence.change(name, async (lanes) => {
    const code = await control.store.transact(async (tx) => {
      const { latest } = await findFunction(name, tx, control)
      routed = latest.definition.routes !== undefined
      const versions = await tx.list('versions', { where: { name } })
      for (const table of OF_FUNCTION) tx.delete(table, { name })
      return [latest, ...versions].flatMap((version) => TABLES.versions.references?.({ ...version, name, number: 0 }) ?? [])
    })
    await lanes.unload()
    await control.garbage.collect(code)
  })
  await control.triggers.forget(name)
  if (routed) await control.routing.changed()
  // What it had of the account's concurrency is free again.
  await control.concurrency.apply()
}

async function deleteVersion(name: FunctionName, number: number, control: Control): Promise<void> {
  await control.residence.change(name, async (lanes) => {
    const code = await control.store.transact(async (tx) => {
      await findFunction(name, tx, control)
      const found = await tx.get('versions', [name, number])
      if (found === undefined) throw functionNotFound({ name, qualifier: String(number) }, control)
      const aliases = (await tx.list('aliases', { where: { name } })).filter(
        ({ version, additional }) => version === String(number) || additional?.version === String(number),
      )
      if (aliases.length > 0)
        throw conflict(
          `Unable to delete version because the following aliases reference it: [${aliases.map(({ alias }) => formatFunctionArn(control.account, name, alias)).join(', ')}]`,
        )
      tx.delete('versions', { name, number })
      forgetQualifier(name, String(number), tx)
      return TABLES.versions.references?.(found) ?? []
    })
    await lanes.unload(String(number))
    await control.garbage.collect(code)
  })
  await control.concurrency.apply()
}
