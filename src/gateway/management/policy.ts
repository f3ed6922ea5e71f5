import { invalidParameter, LambdaError } from '../../functions/lambda-error.ts'
import type { Conditions, Statement } from '../../functions/policy.ts'
import { QUOTAS } from '../../functions/quotas.ts'

/** The whole policy as JSON, as AWS shows it. */
export const formatPolicy = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })

/** Throws `PolicyLengthExceededException`. */
export function requireLength(statements: readonly Statement[]): readonly Statement[] {
  const bytes = Buffer.byteLength(formatPolicy(statements))
  if (bytes > QUOTAS.policyBytes)
    throw new LambdaError(
      'PolicyLengthExceededException',
      `The final policy size (${bytes}) is bigger than the limit (${QUOTAS.policyBytes}).`,
    )
  return statements
}

/** A principal as parameters give it: `*`, an account's number, an ARN of IAM, or a service's name. Throws `InvalidParameterValueException`. */
export function principalOf(principal: string): Statement['Principal'] {
  if (principal === '*') return '*'
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:aws:iam::${principal}:root` }
  if (/^arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+$/.test(principal)) return { AWS: principal }
  if (/^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(principal)) return { Service: principal }
  throw invalidParameter('The provided principal was invalid. Please check the principal and try again.')
}

/** Of those conditions that have a value; undefined: none has. */
export function conditionsOf(
  given: readonly (readonly [operator: string, key: string, value: string | undefined])[],
): Conditions | undefined {
  const conditions: Record<string, Record<string, string>> = {}
  for (const [operator, key, value] of given) if (value !== undefined) (conditions[operator] ??= {})[key] = value
  return Object.keys(conditions).length === 0 ? undefined : conditions
}
