import {
  AddPermissionCommand,
  DeleteFunctionCommand,
  GetPolicyCommand,
  RemovePermissionCommand,
  type AddPermissionCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from './host.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
  await create(managed.client, await nodeFunction('held', 'export const handler = () => 1', { Publish: true }))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const failing = (name: string, message: RegExp) =>
  expect.objectContaining({ name, message: expect.stringMatching(message) as unknown }) as unknown

const add = (sid: string, more: Partial<AddPermissionCommandInput> = {}) =>
  managed.client.send(
    new AddPermissionCommand({
      FunctionName: 'held',
      StatementId: sid,
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      ...more,
    }),
  )
const remove = (sid: string, more: object = {}) =>
  managed.client.send(new RemovePermissionCommand({ FunctionName: 'held', StatementId: sid, ...more }))
const policy = async (more: object = {}) => {
  const { Policy = '', RevisionId } = await managed.client.send(new GetPolicyCommand({ FunctionName: 'held', ...more }))
  return { document: JSON.parse(Policy) as { Statement: { Sid: string }[] }, RevisionId }
}

describe('permissions', () => {
  it('are statements in the form of IAM, shown by GetPolicy, gone when they are removed', async () => {
    const { Statement = '' } = await add('s3', { SourceArn: 'arn:aws:s3:::photos', SourceAccount: '111111111111' })
    const statement = {
      Sid: 's3',
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'lambda:InvokeFunction',
      Resource: `${ARN}:held`,
      Condition: { ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::photos' }, StringEquals: { 'AWS:SourceAccount': '111111111111' } },
    }
    expect(JSON.parse(Statement)).toEqual(statement)
    await add('account', { Principal: '111111111111' })
    const { document } = await policy()
    expect(document).toEqual({
      Version: '2012-10-17',
      Id: 'default',
      Statement: [statement, expect.objectContaining({ Principal: { AWS: 'arn:aws:iam::111111111111:root' } }) as unknown],
    })
    await remove('s3')
    await remove('account')
    await expect(policy()).rejects.toEqual(failing('ResourceNotFoundException', /does not exist/))
  })

  it('belong to the version that the qualifier names, and to it alone', async () => {
    await add('one', { Qualifier: '1' })
    expect((await policy({ Qualifier: '1' })).document.Statement).toEqual([
      expect.objectContaining({ Sid: 'one', Resource: `${ARN}:held:1` }),
    ])
    await expect(policy()).rejects.toEqual(failing('ResourceNotFoundException', /./))
    await remove('one', { Qualifier: '1' })
  })

  it('are changed only at the revision that the caller has seen', async () => {
    await add('a')
    const { RevisionId } = await policy()
    await add('b', { RevisionId })
    await expect(add('c', { RevisionId })).rejects.toEqual(failing('PreconditionFailedException', /Revision Id/))
    await expect(remove('a', { RevisionId })).rejects.toEqual(failing('PreconditionFailedException', /Revision Id/))
    expect((await policy()).document.Statement.map(({ Sid }) => Sid)).toEqual(['a', 'b'])
    await remove('a')
    await remove('b', { RevisionId: (await policy()).RevisionId })
  })

  it('are refused with Lambda’s errors when they make no sense', async () => {
    await add('twice')
    await expect(add('twice')).rejects.toEqual(failing('ResourceConflictException', /twice.*already exists/))
    await remove('twice')
    await expect(remove('twice')).rejects.toEqual(failing('ResourceNotFoundException', /twice is not found/))
    await expect(add('x', { Principal: 'nobody' })).rejects.toEqual(failing('InvalidParameterValueException', /principal/))
    await expect(add('x', { Qualifier: '7' })).rejects.toEqual(failing('ResourceNotFoundException', /held:7/))
    await expect(add('x', { FunctionName: 'held:$LATEST' })).rejects.toEqual(
      failing('InvalidParameterValueException', /\$LATEST/),
    )
    await expect(add('x', { FunctionName: 'none' })).rejects.toEqual(failing('ResourceNotFoundException', /none/))
    await expect(add('x', { FunctionUrlAuthType: 'NONE' })).rejects.toEqual(
      failing('InvalidParameterValueException', /FunctionUrlAuthType/),
    )
    await expect(add('not valid')).rejects.toEqual(failing('ValidationException', /statementId/))
  })

  it('have room for 20 KB in a policy, and go with their function', async () => {
    await create(managed.client, await nodeFunction('full', 'export const handler = () => 1'))
    const SourceArn = `arn:aws:s3:::${'x'.repeat(900)}`
    let added = 0
    const fill = async (): Promise<never> => {
      for (;;) {
        await add(`s${added}`, { FunctionName: 'full', SourceArn })
        added++
      }
    }
    await expect(fill()).rejects.toEqual(failing('PolicyLengthExceededException', /20480/))
    expect(added).toBeGreaterThan(10)
    await managed.client.send(new DeleteFunctionCommand({ FunctionName: 'full' }))
    await create(managed.client, await nodeFunction('full', 'export const handler = () => 1'))
    await expect(policy({ FunctionName: 'full' })).rejects.toEqual(failing('ResourceNotFoundException', /./))
  })
})
