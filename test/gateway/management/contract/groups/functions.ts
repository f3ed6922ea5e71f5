import { waitUntilFunctionActiveV2, waitUntilFunctionExists } from '@aws-sdk/client-lambda'
import { expect } from 'vitest'
import { ROLE } from '../../host.ts'
import { lacks, refuses, step, works, type Group } from '../case.ts'
import { BASE, LONG_NAME, ZIP } from '../code.ts'
import { PREFIX } from '../names.ts'
import { call } from '../run.ts'
import { OF_CODE, OF_CONFIGURATION } from './parameters.ts'

const ARN = `${PREFIX}:function`
const WAIT = { maxWaitTime: 60, minDelay: 0.05, maxDelay: 0.2 }

export const functions: Group = {
  title: 'functions',
  cases: [
    works(
      'CreateFunction',
      'makes a function, pending at first',
      {
        ...BASE,
        FunctionName: 'fn',
        Description: 'first',
        Timeout: 5,
        MemorySize: 256,
        PackageType: 'Zip',
        Architectures: ['arm64'],
        Environment: { Variables: { WORD: 'x' } },
        SnapStart: { ApplyOn: 'PublishedVersions' },
        Tags: { team: 'blue' },
        Layers: [],
      },
      {
        FunctionName: 'fn',
        FunctionArn: `${ARN}:fn`,
        Runtime: 'nodejs22.x',
        Role: ROLE,
        Handler: 'index.handler',
        CodeSize: ZIP.length,
        Description: 'first',
        Timeout: 5,
        MemorySize: 256,
        Version: '$LATEST',
        State: 'Pending',
        StateReasonCode: 'Creating',
        PackageType: 'Zip',
        Architectures: ['arm64'],
        Environment: { Variables: { WORD: 'x' } },
      },
    ),
    step('waits until it exists and is active', async (client) => {
      await waitUntilFunctionExists({ client, ...WAIT }, { FunctionName: 'fn' })
      await waitUntilFunctionActiveV2({ client, ...WAIT }, { FunctionName: 'fn' })
    }),
    works(
      'CreateFunction',
      'publishes its first version',
      { ...BASE, FunctionName: 'published', Publish: true },
      { Version: '1', FunctionArn: `${ARN}:published:1` },
    ),
    refuses(
      'CreateFunction',
      'ResourceConflictException',
      'a name that is taken',
      { ...BASE, FunctionName: 'fn' },
      /^Function already exist: fn$/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'a name of 65 letters',
      { ...BASE, FunctionName: LONG_NAME },
      /length less than or equal to 64/,
    ),
    refuses(
      'CreateFunction',
      'ValidationException',
      'memory below 128 MB',
      { ...BASE, FunctionName: 'bad', MemorySize: 127 },
      /^1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128$/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'memory above 4,096 MB',
      { ...BASE, FunctionName: 'bad', MemorySize: 4097 },
      /MemorySize 4097/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'a function without code',
      { ...BASE, FunctionName: 'bad', Code: {} },
      /^Please provide a source for function code\.$/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'a function without runtime',
      { FunctionName: 'bad', Role: ROLE, Code: BASE.Code },
      /^Runtime and Handler are mandatory parameters for functions created with deployment packages\.$/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'what is no zip',
      { ...BASE, FunctionName: 'bad', Code: { ZipFile: Buffer.from('no zip') } },
      /^Could not unzip uploaded file\. Please check your file, then try to upload again\.$/,
    ),
    refuses(
      'CreateFunction',
      'ValidationException',
      'a runtime that is none',
      { ...BASE, FunctionName: 'bad', Runtime: 'cobol' },
      /at 'runtime' failed to satisfy constraint: Member must satisfy enum value set/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'a layer that there is not',
      { ...BASE, FunctionName: 'bad', Layers: [`${PREFIX}:layer:none:1`] },
      /^Layer version \S+ does not exist\.$/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'variables that Lambda reserves',
      { ...BASE, FunctionName: 'bad', Environment: { Variables: { AWS_REGION: 'x' } } },
      /Reserved keys used in this request: AWS_REGION$/,
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'variables over 4 KB',
      { ...BASE, FunctionName: 'bad', Environment: { Variables: { BIG: 'x'.repeat(5000) } } },
      /exceeded the 4KB limit/,
    ),
    ...lacks(
      'CreateFunction',
      { ...BASE, FunctionName: 'bad' },
      {
        ...OF_CONFIGURATION,
        CodeSigningConfigArn: `${PREFIX}:code-signing-config:csc-0123456789abcdef0`,
        PackageType: 'Image',
        PublishTo: 'LATEST_PUBLISHED',
        TenancyConfig: { TenantIsolationMode: 'PER_TENANT' },
      },
    ),
    ...Object.entries(OF_CODE).map(([name, value]) =>
      refuses(
        'CreateFunction',
        'InvalidParameterValueException',
        `the code parameter ${name}`,
        { ...BASE, FunctionName: 'bad', Code: { [name]: value } },
        new RegExp(`^The parameter Code\\.${name} is not supported: `),
      ),
    ),

    works(
      'GetFunction',
      'shows a function with its tags',
      { FunctionName: 'fn' },
      { Configuration: { FunctionName: 'fn', State: 'Active', LastUpdateStatus: 'Successful' }, Tags: { team: 'blue' } },
    ),
    works(
      'GetFunction',
      'shows a version, named behind the function',
      { FunctionName: 'published', Qualifier: '1' },
      { Configuration: { Version: '1', FunctionArn: `${ARN}:published:1` } },
    ),
    refuses(
      'GetFunction',
      'ResourceNotFoundException',
      'a version that there is not',
      { FunctionName: 'fn', Qualifier: '9' },
      /^Function not found: arn:aws:lambda:us-east-1:000000000000:function:fn:9$/,
    ),
    refuses(
      'GetFunction',
      'InvalidParameterValueException',
      'two versions at once',
      { FunctionName: 'fn:1', Qualifier: '2' },
      /^The derived qualifier from the function name does not match the specified qualifier\.$/,
    ),
    refuses(
      'GetFunction',
      'ValidationException',
      'a name with other characters',
      { FunctionName: 'no name' },
      /at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern/,
    ),
    works(
      'GetFunctionConfiguration',
      'shows the settings',
      { FunctionName: 'fn' },
      { FunctionName: 'fn', MemorySize: 256, SnapStart: { OptimizationStatus: 'On' } },
    ),
    works(
      'GetFunctionConfiguration',
      'shows those of a version',
      { FunctionName: 'published', Qualifier: '1' },
      { Version: '1' },
    ),
    refuses(
      'GetFunctionConfiguration',
      'ResourceNotFoundException',
      'an alias that there is not',
      { FunctionName: 'fn', Qualifier: 'none' },
      /^Function not found: /,
    ),
    refuses(
      'GetFunctionConfiguration',
      'InvalidParameterValueException',
      'two versions at once',
      { FunctionName: 'fn:1', Qualifier: '2' },
      /derived qualifier/,
    ),

    works(
      'ListFunctions',
      'lists functions page by page',
      { MaxItems: 1 },
      { Functions: [{ FunctionName: 'fn', Version: '$LATEST' }], NextMarker: expect.any(String) },
    ),
    works('ListFunctions', 'goes on from a marker', (seen) => ({ Marker: seen.last('ListFunctions').NextMarker, MaxItems: 1 }), {
      Functions: [{ FunctionName: 'published' }],
    }),
    works(
      'ListFunctions',
      'lists versions as well',
      { FunctionVersion: 'ALL', MaxItems: 10 },
      { Functions: [{ Version: '$LATEST' }, { Version: '$LATEST' }, { FunctionArn: `${ARN}:published:1` }] },
    ),
    refuses(
      'ListFunctions',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { Marker: 'none' },
      /The Marker "none"/,
    ),
    refuses(
      'ListFunctions',
      'ValidationException',
      'pages of no size',
      { MaxItems: 0 },
      /at 'maxItems' failed to satisfy constraint/,
    ),
    ...lacks('ListFunctions', {}, { MasterRegion: 'us-east-1' }),

    refuses(
      'DeleteFunction',
      'InvalidParameterValueException',
      '$LATEST alone',
      { FunctionName: 'fn', Qualifier: '$LATEST' },
      /^\$LATEST version cannot be deleted without deleting the function\.$/,
    ),
    refuses(
      'DeleteFunction',
      'ResourceNotFoundException',
      'a version that there is not',
      { FunctionName: 'published', Qualifier: '9' },
      /^Function not found: /,
    ),
    step('gives the version an alias', (client) =>
      call(client, 'CreateAlias', { FunctionName: 'published', Name: 'live', FunctionVersion: '1' }),
    ),
    refuses(
      'DeleteFunction',
      'ResourceConflictException',
      'a version that an alias leads to',
      { FunctionName: 'published', Qualifier: '1' },
      /^Unable to delete version because the following aliases reference it: \[\S+:published:live\]$/,
    ),
    step('takes the alias away', (client) => call(client, 'DeleteAlias', { FunctionName: 'published', Name: 'live' })),
    works('DeleteFunction', 'deletes a version', { FunctionName: 'published', Qualifier: '1' }, {}, 204),
    works('DeleteFunction', 'deletes a function', { FunctionName: 'published' }, {}, 204),
    refuses(
      'DeleteFunction',
      'ResourceNotFoundException',
      'a function twice',
      { FunctionName: 'published' },
      /^Function not found: arn:aws:lambda:us-east-1:000000000000:function:published$/,
    ),
  ],
}
