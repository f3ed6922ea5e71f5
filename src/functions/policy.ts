/** Who asks, as far as the host knows: nobody in particular, a key's owner, or a service on behalf of one of its resources. */
export type Identity =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'account'
      /** Twelve digits. */
      readonly accountId: string
      /** The principal's. */
      readonly arn: string
    }
  | {
      readonly kind: 'service'
      /** Such as `s3.amazonaws.com`. */
      readonly service: string
      readonly sourceArn?: string
      readonly sourceAccount?: string
    }

export type UrlAuthType = 'NONE' | 'AWS_IAM'

/** A statement of a resource policy, as `GetPolicy` shows it (IAM User Guide, "JSON policy elements"): what AddPermission makes, no more. */
export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Principal: '*' | { readonly AWS: string } | { readonly Service: string }
  readonly Action: string
  readonly Resource: string
  readonly Condition?: Conditions
}

/** By operator, then by key. All must hold. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Access {
  /** Such as `lambda:InvokeFunction`. */
  readonly action: string
  /** ARN of what is asked for. */
  readonly resource: string
  readonly identity: Identity
  /** Through which kind of function URL, if through one. */
  readonly urlAuthType?: UrlAuthType
}

/** Whether any statement allows it. A condition on something that the request does not have is not met. */
export const allows = (statements: readonly Statement[], access: Access): boolean =>
  statements.some(
    ({ Action, Resource, Principal, Condition }) =>
      (Action === access.action || Action === 'lambda:*') &&
      Resource === access.resource &&
      isPrincipal(Principal, access.identity) &&
      meets(Condition ?? {}, access),
  )

/** Whether it may be done to a resource of `owner`: the account's own keys may do everything, all others what the policy allows. */
export const mayAccess = (owner: string, statements: readonly Statement[], access: Access): boolean =>
  (access.identity.kind === 'account' && access.identity.accountId === owner) || allows(statements, access)

function isPrincipal(principal: Statement['Principal'], identity: Identity): boolean {
  if (principal === '*') return true
  if ('Service' in principal) return identity.kind === 'service' && identity.service === principal.Service
  if (identity.kind !== 'account') return false
  return principal.AWS === identity.arn || principal.AWS === `arn:aws:iam::${identity.accountId}:root`
}

function meets(conditions: Conditions, access: Access): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const actual = valueOf(key, access)
      if (actual === undefined) return false
      switch (operator) {
        case 'StringEquals':
          return actual === wanted
        case 'Bool':
          return actual === wanted.toLowerCase()
        case 'ArnLike':
          return isArnLike(actual, wanted)
        default:
          return false
      }
    }),
  )
}

function valueOf(key: string, { identity, urlAuthType }: Access): string | undefined {
  switch (key) {
    case 'AWS:SourceArn':
      return identity.kind === 'service' ? identity.sourceArn : undefined
    case 'AWS:SourceAccount':
      return identity.kind === 'service' ? identity.sourceAccount : undefined
    case 'lambda:FunctionUrlAuthType':
      return urlAuthType
    case 'lambda:InvokedViaFunctionUrl':
      return String(urlAuthType !== undefined)
    default:
      // Organizations and event source tokens: nobody who calls has one.
      return undefined
  }
}

/** `*` and `?` within each of the six parts between colons (IAM User Guide, "ARN condition operators"); the last part may have colons. */
function isArnLike(actual: string, pattern: string): boolean {
  const parts = splitArn(actual)
  const wanted = splitArn(pattern)
  return parts.length === wanted.length && wanted.every((part, index) => isLike(parts[index] ?? '', part))
}

function splitArn(arn: string): readonly string[] {
  const parts = arn.split(':')
  return [...parts.slice(0, 5), parts.slice(5).join(':')]
}

/** Greedy with one place to go back to: linear in practice, and never exponential as an expression could be. */
function isLike(text: string, pattern: string): boolean {
  let [at, own, star, mark] = [0, 0, -1, 0]
  while (at < text.length) {
    if (pattern[own] === '*') {
      star = own++
      mark = at
    } else if (pattern[own] === '?' || pattern[own] === text[at]) {
      at++
      own++
    } else if (star >= 0) {
      own = star + 1
      at = ++mark
    } else return false
  }
  while (pattern[own] === '*') own++
  return own === pattern.length
}
