import type { Account } from '../functions/arn.ts'

/** Who makes a request to the management API. All keys belong to the host's account; what policies say of others is for whoever has none. */
export interface Caller {
  /** Of the account that the caller belongs to. */
  readonly accountId: string
  /** The principal, as policies name it. */
  readonly arn: string
  /** Undefined: requests need not be signed, so this is whoever uses this machine. */
  readonly accessKeyId: string | undefined
}

export const localCaller = ({ id }: Account): Caller => ({
  accountId: id,
  arn: `arn:aws:iam::${id}:root`,
  accessKeyId: undefined,
})

export const keyCaller = ({ id }: Account, accessKeyId: string): Caller => ({
  accountId: id,
  arn: `arn:aws:iam::${id}:user/${accessKeyId}`,
  accessKeyId,
})
