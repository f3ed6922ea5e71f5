import { expect } from 'vitest'
import { create } from '../../host.ts'
import { refuses, step, works, type Group } from '../case.ts'
import { BASE } from '../code.ts'
import { call } from '../run.ts'

const FunctionName = 'reached'
const NOT_THERE = /^The resource you requested does not exist\.$/
const STALE = /^The Revision Id provided does not match the latest Revision Id\./
const LATEST = /^We currently do not support adding policies for \$LATEST\.$/
const s3 = { FunctionName, StatementId: 's3', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' }
const Cors = {
  AllowOrigins: ['https://example.com'],
  AllowMethods: ['GET'],
  AllowHeaders: ['x-a'],
  ExposeHeaders: ['x-b'],
  MaxAge: 60,
  AllowCredentials: true,
}

export const access: Group = {
  title: 'permissions and function URLs',
  async prepare(client) {
    await create(client, { ...BASE, FunctionName, Publish: true })
    await call(client, 'CreateAlias', { FunctionName, Name: 'live', FunctionVersion: '1' })
  },
  cases: [
    works(
      'AddPermission',
      'lets a service invoke a function',
      {
        ...s3,
        SourceArn: 'arn:aws:s3:::photos',
        SourceAccount: '111111111111',
        EventSourceToken: 'token',
        PrincipalOrgID: 'o-0123456789',
      },
      { Statement: expect.stringContaining('"Service":"s3.amazonaws.com"') },
    ),
    works(
      'AddPermission',
      'lets everybody use the URL of an alias',
      {
        FunctionName,
        Qualifier: 'live',
        StatementId: 'url',
        Action: 'lambda:InvokeFunctionUrl',
        Principal: '*',
        FunctionUrlAuthType: 'NONE',
      },
      {},
    ),
    works(
      'GetPolicy',
      'shows the policy',
      { FunctionName },
      { Policy: expect.stringContaining('"Sid":"s3"'), RevisionId: expect.any(String) },
    ),
    works('AddPermission', 'adds to the revision that was seen', (seen) => ({
      ...s3,
      StatementId: 'own',
      InvokedViaFunctionUrl: true,
      RevisionId: seen.last('GetPolicy').RevisionId,
    })),
    refuses(
      'AddPermission',
      'ResourceConflictException',
      'a statement that there is',
      s3,
      /^The statement id \(s3\) provided already exists\. Please provide a new statement id, or remove the existing statement\.$/,
    ),
    refuses(
      'AddPermission',
      'PreconditionFailedException',
      'another revision',
      { ...s3, StatementId: 'other', RevisionId: 'other' },
      STALE,
    ),
    refuses('AddPermission', 'InvalidParameterValueException', '$LATEST', { ...s3, Qualifier: '$LATEST' }, LATEST),
    refuses(
      'AddPermission',
      'InvalidParameterValueException',
      'a principal that is none',
      { ...s3, StatementId: 'other', Principal: 'me' },
      /^The provided principal was invalid\. Please check the principal and try again\.$/,
    ),
    step('fills the policy', async (client) => {
      const SourceArn = `arn:aws:s3:::${'x'.repeat(800)}`
      for (let index = 0; index < 18; index++)
        await call(client, 'AddPermission', { ...s3, StatementId: `more-${index}`, SourceArn })
    }),
    refuses(
      'AddPermission',
      'PolicyLengthExceededException',
      'a policy over 20 KB',
      {
        ...s3,
        StatementId: 'last',
        SourceArn: `arn:aws:s3:::${'x'.repeat(1000)}`,
        EventSourceToken: 'x'.repeat(250),
        Principal: `arn:aws:iam::111111111111:role/${'r'.repeat(1500)}`,
      },
      /^The final policy size \(\d+\) is bigger than the limit \(20480\)\.$/,
    ),
    works(
      'GetPolicy',
      'shows that of an alias',
      { FunctionName, Qualifier: 'live' },
      { Policy: expect.stringContaining('"Sid":"url"') },
    ),
    refuses('GetPolicy', 'ResourceNotFoundException', 'a version without one', { FunctionName, Qualifier: '1' }, NOT_THERE),
    refuses(
      'RemovePermission',
      'PreconditionFailedException',
      'another revision',
      { FunctionName, StatementId: 's3', RevisionId: 'other' },
      STALE,
    ),
    works('RemovePermission', 'takes a statement away, at the revision that was seen', (seen) => ({
      FunctionName,
      Qualifier: 'live',
      StatementId: 'url',
      RevisionId: seen.last('GetPolicy').RevisionId,
    })),
    refuses(
      'RemovePermission',
      'ResourceNotFoundException',
      'a statement that there is not',
      { FunctionName, StatementId: 'none' },
      /^Statement none is not found in resource policy\.$/,
    ),

    works(
      'CreateFunctionUrlConfig',
      'gives a function an address',
      { FunctionName, AuthType: 'NONE', Cors, InvokeMode: 'RESPONSE_STREAM' },
      { FunctionUrl: expect.stringMatching(/^http:\/\//), AuthType: 'NONE', Cors, InvokeMode: 'RESPONSE_STREAM' },
    ),
    works(
      'CreateFunctionUrlConfig',
      'gives an alias one',
      { FunctionName, Qualifier: 'live', AuthType: 'AWS_IAM' },
      { FunctionArn: expect.stringMatching(/:reached:live$/), InvokeMode: 'BUFFERED' },
    ),
    refuses(
      'CreateFunctionUrlConfig',
      'ResourceConflictException',
      'a second one',
      { FunctionName, AuthType: 'NONE' },
      /FunctionUrlConfig exists for this Lambda function$/,
    ),
    refuses(
      'CreateFunctionUrlConfig',
      'ValidationException',
      'a version',
      { FunctionName, Qualifier: '1', AuthType: 'NONE' },
      /at 'qualifier' failed to satisfy constraint/,
    ),
    works('GetFunctionUrlConfig', 'shows it', { FunctionName }, { Cors }),
    works('GetFunctionUrlConfig', 'shows that of an alias', { FunctionName, Qualifier: 'live' }, { AuthType: 'AWS_IAM' }),
    works(
      'ListFunctionUrlConfigs',
      'lists them page by page',
      { FunctionName, MaxItems: 1 },
      { FunctionUrlConfigs: [{ AuthType: 'NONE' }] },
    ),
    works(
      'ListFunctionUrlConfigs',
      'goes on from a marker',
      (seen) => ({ FunctionName, Marker: seen.last('ListFunctionUrlConfigs').NextMarker }),
      { FunctionUrlConfigs: [{ AuthType: 'AWS_IAM' }] },
    ),
    works(
      'ListFunctionUrlConfigs',
      'lists them',
      { FunctionName, MaxItems: 10 },
      { FunctionUrlConfigs: [{ AuthType: 'NONE' }, { AuthType: 'AWS_IAM' }] },
    ),
    refuses(
      'ListFunctionUrlConfigs',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { FunctionName, Marker: 'none' },
      /The Marker "none"/,
    ),
    works(
      'UpdateFunctionUrlConfig',
      'changes what is given',
      { FunctionName, Qualifier: 'live', AuthType: 'NONE', Cors, InvokeMode: 'RESPONSE_STREAM' },
      { AuthType: 'NONE', Cors, InvokeMode: 'RESPONSE_STREAM' },
    ),
    refuses(
      'UpdateFunctionUrlConfig',
      'InvalidParameterValueException',
      'an origin that is none',
      { FunctionName, Cors: { AllowOrigins: ['no origin'] } },
      /in Cors\.AllowOrigins is not valid$/,
    ),
    works('DeleteFunctionUrlConfig', 'takes it away', { FunctionName, Qualifier: 'live' }),
    ...(['DeleteFunctionUrlConfig', 'GetFunctionUrlConfig', 'UpdateFunctionUrlConfig'] as const).map((operation) =>
      refuses(operation, 'ResourceNotFoundException', 'what is away', { FunctionName, Qualifier: 'live' }, NOT_THERE),
    ),
  ],
}
