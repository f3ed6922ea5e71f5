import { invalidParameter, LambdaError, notFound } from './lambda-error.ts'
import { isFunctionName, type FunctionName } from './name.ts'

/** Whose functions these are, for ARNs: there is one of each in a host. */
export interface Account {
  readonly region: string
  /** Twelve digits. */
  readonly id: string
}

/** As long as AWS's, and what functions see of it (guest-sdk/runtime/context.ts). */
export const DEFAULT_ACCOUNT: Account = { region: 'us-east-1', id: '000000000000' }

export const LATEST = '$LATEST'

/** What names a function in a request: a name or an ARN, perhaps with a version or an alias behind it. */
export interface FunctionReference {
  readonly name: FunctionName
  readonly qualifier: string | undefined
}

const PARTS =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2}[a-z-]*-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$/

/** The longest name of a function; a longer text may still be an ARN. */
const MAX_NAME = 64
/** Longer texts are cut in messages: no reference has more. */
const MAX_SHOWN = 256

/**
 * Reads a name, a partial ARN (`123456789012:function:name`, `function:name:alias`) or a whole ARN. Throws `InvalidParameterValueException`, and
 * `ResourceNotFoundException` for another account or region than `account`.
 */
export function parseFunctionReference(text: string, account: Account): FunctionReference {
  const found = PARTS.exec(text)
  const [, region, id, name = '', qualifier] = found ?? []
  const failed = (constraint: string): string =>
    `1 validation error detected: Value '${text.slice(0, MAX_SHOWN)}' at 'functionName' failed to satisfy constraint: ${constraint}`
  if (found === null)
    throw new LambdaError('ValidationException', failed(`Member must satisfy regular expression pattern: ${PARTS.source}`))
  if (name.length > MAX_NAME) throw invalidParameter(failed(`Member must have length less than or equal to ${MAX_NAME}`))
  if ((region !== undefined && region !== account.region) || (id !== undefined && id !== account.id))
    throw notFound(`Function not found: ${text} (this host is ${account.region}, account ${account.id})`)
  if (!isFunctionName(name)) throw invalidParameter(`The function name ${name} belongs to the host`)
  return { name, qualifier }
}

/** The reference with the qualifier that a request gives beside it. Throws `InvalidParameterValueException` when they differ. */
export function qualify(reference: FunctionReference, qualifier: string | undefined): FunctionReference {
  if (qualifier === undefined || qualifier === '') return reference
  if (reference.qualifier !== undefined && reference.qualifier !== qualifier)
    throw invalidParameter('The derived qualifier from the function name does not match the specified qualifier.')
  return { name: reference.name, qualifier }
}

export const formatFunctionArn = ({ region, id }: Account, name: string, qualifier?: string): string =>
  `arn:aws:lambda:${region}:${id}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`

/** A version's number, or what else a qualifier can be. */
export type Qualifier =
  | { readonly kind: 'latest' }
  | { readonly kind: 'version'; readonly number: number }
  | { readonly kind: 'alias'; readonly name: string }

/** No qualifier is `$LATEST`. Versions are numbers: an alias cannot consist of digits. */
export function parseQualifier(qualifier: string | undefined): Qualifier {
  if (qualifier === undefined || qualifier === LATEST) return { kind: 'latest' }
  if (/^\d+$/.test(qualifier)) return { kind: 'version', number: Number(qualifier) }
  return { kind: 'alias', name: qualifier }
}
