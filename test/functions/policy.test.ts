import { describe, expect, it } from 'vitest'
import { allows, mayAccess, type Access, type Identity, type Statement } from '../../src/functions/policy.ts'

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f'
const statement = (own: Partial<Statement> = {}): Statement => ({
  Sid: 's',
  Effect: 'Allow',
  Principal: '*',
  Action: 'lambda:InvokeFunction',
  Resource: FUNCTION,
  ...own,
})
const access = (identity: Identity, own: Partial<Access> = {}): Access => ({
  action: 'lambda:InvokeFunction',
  resource: FUNCTION,
  identity,
  ...own,
})
const anonymous: Identity = { kind: 'anonymous' }
const user: Identity = { kind: 'account', accountId: '111111111111', arn: 'arn:aws:iam::111111111111:user/ada' }
const bucket: Identity = {
  kind: 'service',
  service: 's3.amazonaws.com',
  sourceArn: 'arn:aws:s3:::photos',
  sourceAccount: '222222222222',
}

describe('a resource policy', () => {
  it('allows nothing without statements', () => {
    expect(allows([], access(anonymous))).toBe(false)
    expect(allows([], access(user))).toBe(false)
  })

  it('allows everybody where the principal is *, for this action on this resource only', () => {
    expect(allows([statement()], access(anonymous))).toBe(true)
    expect(allows([statement()], access(anonymous, { action: 'lambda:InvokeFunctionUrl' }))).toBe(false)
    expect(allows([statement()], access(anonymous, { resource: `${FUNCTION}:1` }))).toBe(false)
    expect(allows([statement({ Action: 'lambda:*' })], access(anonymous, { action: 'lambda:InvokeFunctionUrl' }))).toBe(true)
  })

  it('allows an account with all its users, or one user', () => {
    expect(allows([statement({ Principal: { AWS: 'arn:aws:iam::111111111111:root' } })], access(user))).toBe(true)
    expect(allows([statement({ Principal: { AWS: user.arn } })], access(user))).toBe(true)
    expect(allows([statement({ Principal: { AWS: 'arn:aws:iam::111111111111:user/bob' } })], access(user))).toBe(false)
    expect(allows([statement({ Principal: { AWS: 'arn:aws:iam::111111111111:root' } })], access(anonymous))).toBe(false)
  })

  it.each<[string, string, boolean]>([
    ['AWS:SourceArn', 'arn:aws:s3:::photos', true],
    ['AWS:SourceArn', 'arn:aws:s3:::ph?t*s', true],
    ['AWS:SourceArn', 'arn:aws:s3:::other*', false],
    ['AWS:SourceArn', 'arn:*', false],
  ])('compares %s with %s part by part', (key, pattern, allowed) => {
    const own = statement({ Principal: { Service: 's3.amazonaws.com' }, Condition: { ArnLike: { [key]: pattern } } })
    expect(allows([own], access(bucket))).toBe(allowed)
    expect(allows([own], access(user))).toBe(false)
  })

  it('holds a service to the account of its source', () => {
    const of = (account: string) =>
      statement({ Principal: { Service: 's3.amazonaws.com' }, Condition: { StringEquals: { 'AWS:SourceAccount': account } } })
    expect(allows([of('222222222222')], access(bucket))).toBe(true)
    expect(allows([of('333333333333')], access(bucket))).toBe(false)
  })

  it('does not meet conditions on what the request does not have, or that it does not know', () => {
    for (const Condition of [
      { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
      { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } },
      { StringLike: { 'AWS:SourceAccount': '*' } },
    ])
      expect(allows([statement({ Condition })], access(bucket))).toBe(false)
  })

  it('tells requests through a URL from others', () => {
    const own = statement({ Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } } })
    expect(allows([own], access(anonymous, { urlAuthType: 'NONE' }))).toBe(true)
    expect(allows([own], access(anonymous, { urlAuthType: 'AWS_IAM' }))).toBe(false)
    const via = statement({ Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } } })
    expect(allows([via], access(anonymous, { urlAuthType: 'NONE' }))).toBe(true)
    expect(allows([via], access(anonymous))).toBe(false)
  })

  it('is not needed by the account that owns the resource', () => {
    expect(mayAccess('111111111111', [], access(user))).toBe(true)
    expect(mayAccess('000000000000', [], access(user))).toBe(false)
    expect(mayAccess('111111111111', [], access(anonymous))).toBe(false)
  })
})
