import type { Control } from '../../../control/control.ts'
import { formatFunctionArn } from '../../../functions/arn.ts'
import { codeHashes, formatLastModified, type FunctionDefinition, type FunctionVersion } from '../../../functions/definition.ts'
import { conflict, invalidParameter, requireRevision } from '../../../functions/lambda-error.ts'
import type { FunctionName } from '../../../functions/name.ts'
import { refuseUnsupported, refuseUnsupportedCode } from '../../../functions/unsupported.ts'
import type { Transaction } from '../../../store/contract.ts'
import type { FunctionRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { changeDefinition, checkDeadLetter, checkZip } from '../definition.ts'
import { resolveLayers } from '../layers.ts'
import { findFunction, nameOf } from '../find.ts'
import { viewVersion } from '../view.ts'

/** Changes of `$LATEST`: they are committed as asked for, and invocations run what was there before until they have come to be. */
export const updates: Operations<'UpdateFunctionCode' | 'UpdateFunctionConfiguration'> = {
  async UpdateFunctionCode(input, control) {
    const name = nameOf(input, control)
    const { ZipFile, Architectures, Publish, DryRun, RevisionId, ...rest } = input
    refuseUnsupported(rest)
    refuseUnsupportedCode(rest)
    if (ZipFile === undefined || ZipFile.length === 0) throw invalidParameter('Please provide a source for function code.')
    const { latest } = await findFunction(name, control.store, control)
    await checkZip(ZipFile, latest.definition)
    using code = await control.code.put(ZipFile)
    const reference = { sha256: code.sha256, bytes: code.bytes }
    const change = (definition: FunctionDefinition): FunctionDefinition =>
      changeDefinition(name, { ...definition, code: reference }, { Architectures }, control)
    // The code is held until the record that references it is committed.
    return await update(name, { RevisionId, Publish, DryRun }, change, control)
  },

  async UpdateFunctionConfiguration(input, control) {
    const name = nameOf(input, control)
    refuseUnsupported(input)
    await checkDeadLetter(input, control)
    const { RevisionId } = input
    const change = async (definition: FunctionDefinition, tx: Transaction): Promise<FunctionDefinition> => {
      const changed = changeDefinition(name, definition, input, control)
      const { layers } = definition
      const next =
        input.Layers === undefined ? changed : { ...changed, layers: await resolveLayers(input.Layers, layers, tx, control) }
      if (next.runtime === definition.runtime && next.handler === definition.handler && next.layers === layers) return next
      const zip = await control.code.read(definition.code.sha256)
      if (zip !== undefined) await checkZip(zip, next)
      return next
    }
    return update(name, { RevisionId }, change, control)
  },
}

interface UpdateOptions {
  readonly RevisionId?: string | undefined
  readonly Publish?: boolean | undefined
  readonly DryRun?: boolean | undefined
}

async function update(
  name: FunctionName,
  { RevisionId, Publish = false, DryRun = false }: UpdateOptions,
  change: (definition: FunctionDefinition, tx: Transaction) => FunctionDefinition | Promise<FunctionDefinition>,
  control: Control,
): Promise<ReturnType<typeof viewVersion>> {
  let before: FunctionDefinition | undefined
  let rerouted = false
  const view = await control.store.transact(async (tx) => {
    const record = await findFunction(name, tx, control)
    requireRevision(RevisionId, record.latest.revisionId)
    requireSettled(record, control)
    before = record.latest.definition
    rerouted = false
    const next: FunctionVersion = {
      ...record.latest,
      definition: await change(record.latest.definition, tx),
      revisionId: control.uuid(),
      lastModified: formatLastModified(control.now()),
      // One that never came to be is made anew.
      state: record.latest.served === undefined ? { status: 'pending' } : record.latest.state,
      lastUpdate: { status: 'pending' },
    }
    const number = record.lastVersion + 1
    const published: FunctionVersion = {
      ...next,
      version: String(number),
      served: undefined,
      state: { status: 'pending' },
      lastUpdate: { status: 'done' },
    }
    if (!DryRun) {
      rerouted = String(record.latest.definition.routes) !== String(next.definition.routes)
      await control.routing.claim(name, record.latest.definition, next.definition, tx)
      tx.put('functions', { ...record, latest: next, lastVersion: Publish ? number : record.lastVersion })
      if (Publish) tx.put('versions', { ...published, name, number })
    }
    return Publish ? viewVersion(name, published, control, published.version) : viewVersion(name, next, control)
  })
  if (DryRun) return view
  if (rerouted) await control.routing.changed()
  control.activation.start(name)
  // What was never served is needed no more; what is served goes when its successor has come to be.
  if (before !== undefined) await control.garbage.collect(codeHashes(before))
  return view
}

/** Throws `ResourceConflictException` while a function is being made or changed. */
export function requireSettled({ name, latest }: FunctionRecord, { account }: Control): void {
  if (latest.state.status === 'pending')
    throw conflict('The operation cannot be performed at this time. The function is currently in the following state: Pending')
  if (latest.lastUpdate.status === 'pending')
    throw conflict(
      `The operation cannot be performed at this time. An update is in progress for resource: ${formatFunctionArn(account, name)}`,
    )
}
