import { expect } from 'vitest'
import { create } from '../../host.ts'
import { refuses, works, type Group } from '../case.ts'
import { BASE, OTHER_ZIP } from '../code.ts'
import { PREFIX } from '../names.ts'
import { call } from '../run.ts'

const FunctionName = 'aliased'
const ARN = `${PREFIX}:function:aliased`
const WEIGHTS = { AdditionalVersionWeights: { 2: 0.25 } }

export const aliases: Group = {
  title: 'aliases',
  async prepare(client) {
    await create(client, { ...BASE, FunctionName, Publish: true })
    await call(client, 'UpdateFunctionCode', { FunctionName, ZipFile: OTHER_ZIP, Publish: true })
  },
  cases: [
    works(
      'CreateAlias',
      'makes an alias of a version',
      { FunctionName, Name: 'live', FunctionVersion: '1', Description: 'what runs' },
      { AliasArn: `${ARN}:live`, Name: 'live', FunctionVersion: '1', Description: 'what runs', RevisionId: expect.any(String) },
    ),
    works(
      'CreateAlias',
      'splits invocations between two',
      { FunctionName, Name: 'split', FunctionVersion: '1', RoutingConfig: WEIGHTS },
      { RoutingConfig: WEIGHTS },
    ),
    refuses(
      'CreateAlias',
      'ResourceConflictException',
      'a name that is taken',
      { FunctionName, Name: 'live', FunctionVersion: '1' },
      /^Alias already exists: arn:aws:lambda:us-east-1:000000000000:function:aliased:live$/,
    ),
    refuses(
      'CreateAlias',
      'ResourceNotFoundException',
      'a version that there is not',
      { FunctionName, Name: 'other', FunctionVersion: '9' },
      /^Function not found: arn:aws:lambda:us-east-1:000000000000:function:aliased:9$/,
    ),
    refuses(
      'CreateAlias',
      'InvalidParameterValueException',
      'to split with $LATEST',
      { FunctionName, Name: 'other', FunctionVersion: '$LATEST', RoutingConfig: WEIGHTS },
      /^\$LATEST is not supported for an alias pointing to more than 1 version$/,
    ),
    refuses(
      'CreateAlias',
      'InvalidParameterValueException',
      'three versions',
      { FunctionName, Name: 'other', FunctionVersion: '1', RoutingConfig: { AdditionalVersionWeights: { 2: 0.1, 3: 0.1 } } },
      /^Number of items in AdditionalVersionWeights cannot be greater than 1$/,
    ),
    refuses(
      'CreateAlias',
      'InvalidParameterValueException',
      'one version twice',
      { FunctionName, Name: 'other', FunctionVersion: '2', RoutingConfig: WEIGHTS },
      /^Invalid function version 2\. Function version 2 is already included in routing configuration\.$/,
    ),
    refuses(
      'CreateAlias',
      'ValidationException',
      'a weight above 1',
      { FunctionName, Name: 'other', FunctionVersion: '1', RoutingConfig: { AdditionalVersionWeights: { 2: 1.1 } } },
      /failed to satisfy constraint: Member must have value less than or equal to 1/,
    ),
    refuses(
      'CreateAlias',
      'ValidationException',
      'a name of digits',
      { FunctionName, Name: '12', FunctionVersion: '1' },
      /at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern/,
    ),
    works('GetAlias', 'shows it', { FunctionName, Name: 'live' }, { FunctionVersion: '1' }),
    refuses(
      'GetAlias',
      'ResourceNotFoundException',
      'an alias that there is not',
      { FunctionName, Name: 'none' },
      /^Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:aliased:none$/,
    ),
    works(
      'ListAliases',
      'lists them page by page',
      { FunctionName, MaxItems: 1 },
      { Aliases: [{ Name: 'live' }], NextMarker: expect.any(String) },
    ),
    works('ListAliases', 'goes on from a marker', (seen) => ({ FunctionName, Marker: seen.last('ListAliases').NextMarker }), {
      Aliases: [{ Name: 'split' }],
    }),
    works('ListAliases', 'lists those of a version', { FunctionName, FunctionVersion: '2' }, { Aliases: [{ Name: 'split' }] }),
    refuses(
      'ListAliases',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { FunctionName, Marker: 'none' },
      /The Marker "none"/,
    ),
    works(
      'UpdateAlias',
      'moves it, at the revision that was seen',
      (seen) => ({
        FunctionName,
        Name: 'live',
        FunctionVersion: '1',
        Description: 'both',
        RoutingConfig: WEIGHTS,
        RevisionId: seen.last('GetAlias').RevisionId,
      }),
      { FunctionVersion: '1', Description: 'both', RoutingConfig: WEIGHTS },
    ),
    works(
      'UpdateAlias',
      'stops splitting',
      { FunctionName, Name: 'live', RoutingConfig: { AdditionalVersionWeights: {} } },
      { FunctionVersion: '1' },
    ),
    refuses(
      'UpdateAlias',
      'PreconditionFailedException',
      'a revision that is not the last',
      (seen) => ({ FunctionName, Name: 'live', RevisionId: seen.last('GetAlias').RevisionId }),
      /^The Revision Id provided does not match the latest Revision Id\./,
    ),
    refuses(
      'UpdateAlias',
      'ResourceNotFoundException',
      'an alias that there is not',
      { FunctionName, Name: 'none', FunctionVersion: '1' },
      /^Cannot find alias arn: /,
    ),
    refuses(
      'UpdateAlias',
      'InvalidParameterValueException',
      'to split with $LATEST',
      { FunctionName, Name: 'split', FunctionVersion: '$LATEST' },
      /^\$LATEST is not supported/,
    ),
    works('DeleteAlias', 'takes it away', { FunctionName, Name: 'split' }),
    works('DeleteAlias', 'may be asked for twice', { FunctionName, Name: 'split' }),
  ],
}
