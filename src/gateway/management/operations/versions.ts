import { codeSha256, formatLastModified, type FunctionDefinition } from '../../../functions/definition.ts'
import { conflict, invalidParameter, requireRevision } from '../../../functions/lambda-error.ts'
import { refuseUnsupported } from '../../../functions/unsupported.ts'
import type { VersionRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { findFunction, nameOf } from '../find.ts'
import { page } from '../page.ts'
import { viewVersion } from '../view.ts'
import { requireSettled } from './updates.ts'

/** Published versions, which never change. */
export const versions: Operations<'PublishVersion' | 'ListVersionsByFunction'> = {
  async PublishVersion(input, control) {
    const name = nameOf(input, control)
    refuseUnsupported(input)
    const version = await control.store.transact(async (tx) => {
      const record = await findFunction(name, tx, control)
      const { latest, lastVersion } = record
      requireRevision(input.RevisionId, latest.revisionId)
      requireSettled(record, control)
      const sha256 = codeSha256(latest.definition.code)
      if (input.CodeSha256 !== undefined && input.CodeSha256 !== sha256)
        throw invalidParameter(
          `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST (${sha256}). Please try again with the CodeSHA256 in $LATEST.`,
        )
      if (latest.served === undefined || latest.lastUpdate.status === 'failed')
        throw conflict(`The function ${name} cannot be published: its last change has failed`)
      const definition = { ...latest.definition, ...(input.Description !== undefined && { description: input.Description }) }
      const last = lastVersion === 0 ? undefined : await tx.get('versions', [name, lastVersion])
      // Lambda publishes nothing when nothing has changed.
      if (last !== undefined && sameButDescription(last.definition, definition)) return last
      const published: VersionRecord = {
        ...latest,
        name,
        number: lastVersion + 1,
        version: String(lastVersion + 1),
        definition,
        served: { ...latest.served, definition },
        revisionId: control.uuid(),
        lastModified: formatLastModified(control.now()),
      }
      tx.put('versions', published)
      tx.put('functions', { ...record, lastVersion: published.number })
      return published
    })
    return viewVersion(name, version, control, version.version)
  },

  async ListVersionsByFunction(input, control) {
    const name = nameOf(input, control)
    const { latest } = await findFunction(name, control.store, control)
    const { items, NextMarker } = await page(
      input,
      async ({ after, limit }) => {
        const range = { where: { name }, limit, ...(after !== undefined && { after: [name, ...after] }) }
        const published = await control.store.list('versions', range)
        return after === undefined ? [{ ...latest, name, number: 0 }, ...published].slice(0, limit) : published
      },
      ({ number }) => [number],
    )
    return { Versions: items.map((one) => viewVersion(name, one, control, one.version)), NextMarker }
  },
}

function sameButDescription(a: FunctionDefinition, b: FunctionDefinition): boolean {
  return JSON.stringify({ ...a, description: '' }) === JSON.stringify({ ...b, description: '' })
}
