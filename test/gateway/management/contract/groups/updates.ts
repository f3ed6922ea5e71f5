import { waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2, waitUntilPublishedVersionActive } from '@aws-sdk/client-lambda'
import { expect } from 'vitest'
import { ROLE, zipOf } from '../../host.ts'
import { lacks, refuses, step, works, type Group } from '../case.ts'
import { BASE, LONG_NAME, OTHER_ZIP, ZIP } from '../code.ts'
import { call } from '../run.ts'
import { OF_CODE, OF_CONFIGURATION } from './parameters.ts'

const WAIT = { maxWaitTime: 60, minDelay: 0.05, maxDelay: 0.2 }
const FunctionName = 'changed'
const STALE =
  /^The Revision Id provided does not match the latest Revision Id\. Call the GetFunction\/GetAlias API to retrieve the latest Revision Id$/

const settled = step('waits until it is updated', (client) => waitUntilFunctionUpdatedV2({ client, ...WAIT }, { FunctionName }))
/** A function that is being made as long as anyone asks. */
const SLOW = await zipOf({ 'index.mjs': 'await new Promise(() => undefined)\nexport const handler = () => 1' })

export const updates: Group = {
  title: 'changes and versions',
  async prepare(client) {
    await call(client, 'CreateFunction', { ...BASE, FunctionName })
    await waitUntilFunctionActiveV2({ client, ...WAIT }, { FunctionName })
  },
  cases: [
    works('GetFunctionConfiguration', 'has a revision', { FunctionName }),
    works(
      'UpdateFunctionConfiguration',
      'changes what is given, at the revision that was seen',
      (seen) => ({
        FunctionName,
        Description: 'second',
        Timeout: 6,
        MemorySize: 192,
        Handler: 'index.handler',
        Role: `${ROLE}-2`,
        Runtime: 'nodejs24.x',
        Environment: { Variables: { WORD: 'y' } },
        SnapStart: { ApplyOn: 'None' },
        Layers: [],
        RevisionId: seen.last('GetFunctionConfiguration').RevisionId,
      }),
      {
        FunctionName,
        Description: 'second',
        MemorySize: 192,
        Timeout: 6,
        LastUpdateStatus: 'InProgress',
        LastUpdateStatusReasonCode: 'Creating',
      },
    ),
    settled,
    refuses(
      'UpdateFunctionConfiguration',
      'PreconditionFailedException',
      'a revision that is not the last',
      (seen) => ({ FunctionName, Timeout: 7, RevisionId: seen.last('GetFunctionConfiguration').RevisionId }),
      STALE,
    ),
    refuses(
      'UpdateFunctionConfiguration',
      'InvalidParameterValueException',
      'a name of 65 letters',
      { FunctionName: LONG_NAME },
      /length less than or equal to 64/,
    ),
    refuses(
      'UpdateFunctionConfiguration',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'none' },
      /^Function not found: /,
    ),
    refuses(
      'UpdateFunctionConfiguration',
      'ValidationException',
      'a timeout of nothing',
      { FunctionName, Timeout: 0 },
      /at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1/,
    ),
    ...lacks('UpdateFunctionConfiguration', { FunctionName }, OF_CONFIGURATION),

    works(
      'UpdateFunctionCode',
      'says what it would do with DryRun',
      { FunctionName, ZipFile: OTHER_ZIP, DryRun: true },
      { FunctionName, CodeSize: OTHER_ZIP.length },
    ),
    works('GetFunctionConfiguration', 'has changed nothing for it', { FunctionName }, { CodeSize: ZIP.length }),
    works(
      'UpdateFunctionCode',
      'puts other code in its place and publishes it',
      (seen) => ({
        FunctionName,
        ZipFile: OTHER_ZIP,
        Architectures: ['arm64'],
        Publish: true,
        RevisionId: seen.last('GetFunctionConfiguration').RevisionId,
      }),
      { Version: '1', CodeSize: OTHER_ZIP.length },
    ),
    settled,
    step('waits until the version is active', (client) =>
      waitUntilPublishedVersionActive({ client, ...WAIT }, { FunctionName, Qualifier: '1' }),
    ),
    refuses(
      'UpdateFunctionCode',
      'PreconditionFailedException',
      'a revision that is not the last',
      (seen) => ({ FunctionName, ZipFile: ZIP, RevisionId: seen.last('GetFunctionConfiguration').RevisionId }),
      STALE,
    ),
    refuses(
      'UpdateFunctionCode',
      'InvalidParameterValueException',
      'no code',
      { FunctionName },
      /^Please provide a source for function code\.$/,
    ),
    refuses(
      'UpdateFunctionCode',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'none', ZipFile: ZIP },
      /^Function not found: /,
    ),
    ...lacks('UpdateFunctionCode', { FunctionName, ZipFile: ZIP }, { ...OF_CODE, PublishTo: 'LATEST_PUBLISHED' }),

    works('PublishVersion', 'gives the last version where nothing has changed', { FunctionName }, { Version: '1' }, 201),
    step('changes something', (client) => call(client, 'UpdateFunctionConfiguration', { FunctionName, Timeout: 8 })),
    settled,
    works('GetFunctionConfiguration', 'shows what would be published', { FunctionName }),
    works(
      'PublishVersion',
      'publishes the code and the revision that were seen',
      (seen) => ({
        FunctionName,
        CodeSha256: seen.last('GetFunctionConfiguration').CodeSha256,
        RevisionId: seen.last('GetFunctionConfiguration').RevisionId,
        Description: 'the second',
      }),
      { Version: '2', Description: 'the second', Timeout: 8, State: 'Active' },
    ),
    refuses(
      'PublishVersion',
      'InvalidParameterValueException',
      'other code',
      { FunctionName, CodeSha256: 'other' },
      /^CodeSHA256 \(other\) is different from current CodeSHA256 in \$LATEST \(\S+\)\. Please try again with the CodeSHA256 in \$LATEST\.$/,
    ),
    refuses('PublishVersion', 'PreconditionFailedException', 'another revision', { FunctionName, RevisionId: 'other' }, STALE),
    refuses(
      'PublishVersion',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'none' },
      /^Function not found: /,
    ),
    ...lacks('PublishVersion', { FunctionName }, { PublishTo: 'LATEST_PUBLISHED' }),
    works(
      'ListVersionsByFunction',
      'lists $LATEST and then versions, page by page',
      { FunctionName, MaxItems: 2 },
      { Versions: [{ Version: '$LATEST' }, { Version: '1' }], NextMarker: expect.any(String) },
    ),
    works(
      'ListVersionsByFunction',
      'goes on from a marker',
      (seen) => ({ FunctionName, MaxItems: 2, Marker: seen.last('ListVersionsByFunction').NextMarker }),
      { Versions: [{ Version: '2' }] },
    ),
    refuses(
      'ListVersionsByFunction',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'none' },
      /^Function not found: /,
    ),
    refuses(
      'ListVersionsByFunction',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { FunctionName, Marker: 'none' },
      /The Marker "none"/,
    ),

    step('begins to make a function', (client) =>
      call(client, 'CreateFunction', { ...BASE, FunctionName: 'slow', Code: { ZipFile: SLOW } }),
    ),
    ...(
      ['UpdateFunctionCode', 'UpdateFunctionConfiguration', 'PublishVersion', 'Invoke', 'InvokeWithResponseStream'] as const
    ).map((operation) =>
      refuses(
        operation,
        'ResourceConflictException',
        'a function that is not made yet',
        { FunctionName: 'slow', ...(operation === 'UpdateFunctionCode' && { ZipFile: ZIP }) },
        /^The operation cannot be performed at this time\. The function is currently in the following state: Pending$/,
      ),
    ),
    step('deletes it', (client) => call(client, 'DeleteFunction', { FunctionName: 'slow' })),
  ],
}
