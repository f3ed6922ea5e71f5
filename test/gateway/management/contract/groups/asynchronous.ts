import { create } from '../../host.ts'
import { refuses, works, type Group } from '../case.ts'
import { BASE } from '../code.ts'
import { createQueue } from '../made-sources.ts'
import { PREFIX } from '../names.ts'

const FunctionName = 'later'
const RESULTS = `${PREFIX}:function:results`
const DEAD = { TargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead' }
const NO_QUEUE = { TargetArn: `${DEAD.TargetArn}-2` }
const DestinationConfig = { OnSuccess: { Destination: RESULTS }, OnFailure: { Destination: RESULTS } }
const MISSING = /^The function arn:aws:lambda:us-east-1:000000000000:function:later:1 doesn't have an EventInvokeConfig$/

export const asynchronous: Group = {
  title: 'settings of asynchronous invocations',
  async prepare(client, endpoint) {
    await createQueue('dead', endpoint)
    await create(client, { ...BASE, FunctionName, Publish: true })
    await create(client, { ...BASE, FunctionName: 'results' })
  },
  cases: [
    works(
      'CreateFunction',
      'keeps its dead-letter queue',
      { ...BASE, FunctionName: 'buried', DeadLetterConfig: DEAD },
      { DeadLetterConfig: DEAD },
    ),
    refuses(
      'CreateFunction',
      'InvalidParameterValueException',
      'a dead-letter queue that there is not',
      { ...BASE, FunctionName: 'unburied', DeadLetterConfig: NO_QUEUE },
      /^The TargetArn of DeadLetterConfig arn:aws:sqs:us-east-1:000000000000:dead-2 does not exist$/,
    ),
    works(
      'UpdateFunctionConfiguration',
      'gives it a dead-letter queue',
      { FunctionName: 'results', DeadLetterConfig: DEAD },
      { DeadLetterConfig: DEAD },
    ),
    works(
      'PutFunctionEventInvokeConfig',
      'keeps them for a function',
      { FunctionName, MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60, DestinationConfig },
      {
        FunctionArn: `${PREFIX}:function:later:$LATEST`,
        MaximumRetryAttempts: 1,
        MaximumEventAgeInSeconds: 60,
        DestinationConfig,
      },
    ),
    works(
      'PutFunctionEventInvokeConfig',
      'keeps them for a version',
      { FunctionName, Qualifier: '1', MaximumRetryAttempts: 0 },
      { FunctionArn: `${PREFIX}:function:later:1` },
    ),
    refuses(
      'PutFunctionEventInvokeConfig',
      'InvalidParameterValueException',
      'nothing',
      { FunctionName },
      /^You must specify at least one of error handling or destination setting\.$/,
    ),
    refuses(
      'PutFunctionEventInvokeConfig',
      'InvalidParameterValueException',
      'the function itself as destination',
      { FunctionName, DestinationConfig: { OnSuccess: { Destination: `${PREFIX}:function:later` } } },
      /is the function itself/,
    ),
    refuses(
      'PutFunctionEventInvokeConfig',
      'ValidationException',
      'three attempts',
      { FunctionName, MaximumRetryAttempts: 3 },
      /at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2/,
    ),
    works(
      'UpdateFunctionEventInvokeConfig',
      'changes what is given',
      { FunctionName, Qualifier: '1', MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 90, DestinationConfig },
      { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 90 },
    ),
    refuses(
      'UpdateFunctionEventInvokeConfig',
      'InvalidParameterValueException',
      'nothing',
      { FunctionName },
      /^You must specify at least one/,
    ),
    works('GetFunctionEventInvokeConfig', 'shows them', { FunctionName, Qualifier: '1' }, { MaximumRetryAttempts: 2 }),
    works(
      'ListFunctionEventInvokeConfigs',
      'lists them page by page',
      { FunctionName, MaxItems: 1 },
      { FunctionEventInvokeConfigs: [{ MaximumRetryAttempts: 1 }] },
    ),
    works(
      'ListFunctionEventInvokeConfigs',
      'goes on from a marker',
      (seen) => ({ FunctionName, Marker: seen.last('ListFunctionEventInvokeConfigs').NextMarker }),
      { FunctionEventInvokeConfigs: [{ MaximumRetryAttempts: 2 }] },
    ),
    works(
      'ListFunctionEventInvokeConfigs',
      'lists them',
      { FunctionName, MaxItems: 10 },
      { FunctionEventInvokeConfigs: [{ MaximumRetryAttempts: 1 }, { MaximumRetryAttempts: 2 }] },
    ),
    refuses(
      'ListFunctionEventInvokeConfigs',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { FunctionName, Marker: 'none' },
      /The Marker "none"/,
    ),
    works('DeleteFunctionEventInvokeConfig', 'takes them away', { FunctionName, Qualifier: '1' }),
    refuses(
      'DeleteFunctionEventInvokeConfig',
      'ResourceNotFoundException',
      'what is away',
      { FunctionName, Qualifier: '1' },
      MISSING,
    ),
    refuses(
      'GetFunctionEventInvokeConfig',
      'ResourceNotFoundException',
      'what is away',
      { FunctionName, Qualifier: '1' },
      MISSING,
    ),
    refuses(
      'UpdateFunctionEventInvokeConfig',
      'ResourceNotFoundException',
      'what is away',
      { FunctionName, Qualifier: '1', MaximumRetryAttempts: 1 },
      MISSING,
    ),
  ],
}
