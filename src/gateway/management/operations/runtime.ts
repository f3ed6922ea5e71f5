import { formatFunctionArn } from '../../../functions/arn.ts'
import { invalidParameter, notFound } from '../../../functions/lambda-error.ts'
import type { Operations } from '../contract.ts'
import { findFunction, findVersion, nameOf, referenceOf } from '../find.ts'

/** Loops of functions, and what this host does in one way only, and says so: runtimes come with its release, and code is not signed. */
export const runtime: Operations<
  | 'GetRuntimeManagementConfig'
  | 'PutRuntimeManagementConfig'
  | 'GetFunctionRecursionConfig'
  | 'PutFunctionRecursionConfig'
  | 'GetFunctionCodeSigningConfig'
  | 'GetCodeSigningConfig'
  | 'ListCodeSigningConfigs'
  | 'ListFunctionsByCodeSigningConfig'
> = {
  async GetRuntimeManagementConfig(input, control) {
    const reference = referenceOf(input, control)
    await findVersion(reference, control.store, control)
    return { UpdateRuntimeOn: 'Auto', FunctionArn: formatFunctionArn(control.account, reference.name, reference.qualifier) }
  },

  async PutRuntimeManagementConfig(input, control) {
    const reference = referenceOf(input, control)
    await findVersion(reference, control.store, control)
    if (input.UpdateRuntimeOn !== 'Auto')
      throw invalidParameter(
        `UpdateRuntimeOn ${input.UpdateRuntimeOn} is not supported: runtimes are part of this host and change with its release, so it can only be Auto`,
      )
    if (input.RuntimeVersionArn !== undefined)
      throw invalidParameter('RuntimeVersionArn can only be given with UpdateRuntimeOn Manual, which is not supported')
    return { UpdateRuntimeOn: 'Auto', FunctionArn: formatFunctionArn(control.account, reference.name, reference.qualifier) }
  },

  async GetFunctionRecursionConfig(input, control) {
    const { recursion = 'Terminate' } = await findFunction(nameOf(input, control), control.store, control)
    return { RecursiveLoop: recursion }
  },

  async PutFunctionRecursionConfig(input, control) {
    const { RecursiveLoop } = input
    await control.store.transact(async (tx) => {
      const { recursion: _, ...record } = await findFunction(nameOf(input, control), tx, control)
      tx.put('functions', { ...record, ...(RecursiveLoop === 'Allow' && { recursion: RecursiveLoop }) })
    })
    return { RecursiveLoop }
  },

  async GetFunctionCodeSigningConfig(input, control) {
    const name = nameOf(input, control)
    await findFunction(name, control.store, control)
    return { CodeSigningConfigArn: '', FunctionName: name }
  },

  GetCodeSigningConfig: (input) => Promise.reject(noSuchConfig(input)),

  ListFunctionsByCodeSigningConfig: (input) => Promise.reject(noSuchConfig(input)),

  // Code is not signed.
  ListCodeSigningConfigs: () => Promise.resolve({ CodeSigningConfigs: [] }),
}

const noSuchConfig = ({ CodeSigningConfigArn }: { readonly CodeSigningConfigArn: string | undefined }): Error =>
  notFound(`The code signing configuration cannot be found: ${CodeSigningConfigArn} (this host has none)`)
