import type { Control } from '../../control/control.ts'
import { versionOf } from '../../control/versions.ts'
import { formatFunctionArn, parseFunctionReference, qualify, type FunctionReference } from '../../functions/arn.ts'
import type { FunctionVersion } from '../../functions/definition.ts'
import { invalidParameter, notFound } from '../../functions/lambda-error.ts'
import type { FunctionName } from '../../functions/name.ts'
import type { Store, Transaction } from '../../store/contract.ts'
import { OF_QUALIFIER, type FunctionRecord } from '../../store/records.ts'

/** What a request says of a function, for operations on functions, versions and aliases. */
export interface Named {
  readonly FunctionName: string | undefined
  readonly Qualifier?: string | undefined
}

export const referenceOf = ({ FunctionName = '', Qualifier }: Named, { account }: Control): FunctionReference =>
  qualify(parseFunctionReference(FunctionName, account), Qualifier)

/** For operations on a whole function. Throws `InvalidParameterValueException` when the name says which version, too. */
export function nameOf({ FunctionName = '' }: Named, { account }: Control): FunctionName {
  const { name, qualifier } = parseFunctionReference(FunctionName, account)
  if (qualifier !== undefined)
    throw invalidParameter(
      `The function name ${FunctionName} must not have the qualifier ${qualifier}: the operation is on the whole function`,
    )
  return name
}

export const functionNotFound = ({ name, qualifier }: FunctionReference, { account }: Control): Error =>
  notFound(`Function not found: ${formatFunctionArn(account, name, qualifier)}`)

/** The function's record; protected when it is read in a transaction. Throws `ResourceNotFoundException`. */
export async function findFunction(name: FunctionName, from: Store | Transaction, control: Control): Promise<FunctionRecord> {
  const found = await from.get('functions', [name])
  if (found === undefined) throw functionNotFound({ name, qualifier: undefined }, control)
  return found
}

/** The version that a reference leads to, also through an alias (its main version). Throws `ResourceNotFoundException`. */
export async function findVersion(
  reference: FunctionReference,
  from: Store | Transaction,
  control: Control,
): Promise<FunctionVersion> {
  const found = await versionOf(reference, from)
  if (found === undefined) throw functionNotFound(reference, control)
  return found
}

/** Removes what is configured for a version or an alias that goes. */
export function forgetQualifier(name: FunctionName, qualifier: string, tx: Transaction): void {
  for (const table of OF_QUALIFIER) tx.delete(table, { name, qualifier })
}
