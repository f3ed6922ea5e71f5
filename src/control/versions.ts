import { parseQualifier, type FunctionReference } from '../functions/arn.ts'
import type { FunctionVersion } from '../functions/definition.ts'
import type { Store, Transaction } from '../store/contract.ts'

/** The version that a reference leads to, also through an alias (its main version); undefined: there is none. */
export async function versionOf(
  { name, qualifier }: Pick<FunctionReference, 'qualifier'> & { readonly name: string },
  from: Store | Transaction,
): Promise<FunctionVersion | undefined> {
  const wanted = parseQualifier(qualifier)
  switch (wanted.kind) {
    case 'latest':
      return (await from.get('functions', [name]))?.latest
    case 'version':
      return await from.get('versions', [name, wanted.number])
    case 'alias': {
      const alias = await from.get('aliases', [name, wanted.name])
      return alias === undefined ? undefined : await versionOf({ name, qualifier: alias.version }, from)
    }
    default:
      return wanted satisfies never
  }
}
