import { expect } from 'vitest'
import { create, updated } from '../../host.ts'
import { refuses, works, type Group } from '../case.ts'
import { BASE, OTHER_ZIP } from '../code.ts'
import { PREFIX } from '../names.ts'
import { call } from '../run.ts'

const FunctionName = 'shared'
const UNPUBLISHED = /^Provisioned Concurrency Configs cannot be applied to unpublished function versions\.$/
const NO_CONFIG = /^No Provisioned Concurrency Config found for this function$/

export const concurrency: Group = {
  title: 'concurrency',
  async prepare(client) {
    await create(client, { ...BASE, FunctionName, Publish: true })
    await call(client, 'UpdateFunctionCode', { FunctionName, ZipFile: OTHER_ZIP })
    await updated(client, FunctionName)
    await call(client, 'PublishVersion', { FunctionName })
  },
  cases: [
    works(
      'GetAccountSettings',
      'has the limits and what is used',
      {},
      {
        AccountLimit: { ConcurrentExecutions: 1000, CodeSizeZipped: 52_428_800, CodeSizeUnzipped: 262_144_000 },
        AccountUsage: { FunctionCount: expect.any(Number), TotalCodeSize: expect.any(Number) },
      },
    ),
    works(
      'PutFunctionConcurrency',
      'sets a part aside',
      { FunctionName, ReservedConcurrentExecutions: 5 },
      { ReservedConcurrentExecutions: 5 },
    ),
    refuses(
      'PutFunctionConcurrency',
      'InvalidParameterValueException',
      'to leave less than 100',
      { FunctionName, ReservedConcurrentExecutions: 901 },
      /^Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of \[100\]\.$/,
    ),
    refuses(
      'PutFunctionConcurrency',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'none', ReservedConcurrentExecutions: 1 },
      /^Function not found: /,
    ),
    works('GetFunctionConcurrency', 'shows it', { FunctionName }, { ReservedConcurrentExecutions: 5 }),
    works(
      'PutProvisionedConcurrencyConfig',
      'keeps instances of a version ready',
      { FunctionName, Qualifier: '1', ProvisionedConcurrentExecutions: 1 },
      { RequestedProvisionedConcurrentExecutions: 1, Status: expect.any(String) },
    ),
    refuses(
      'PutProvisionedConcurrencyConfig',
      'InvalidParameterValueException',
      '$LATEST',
      { FunctionName, Qualifier: '$LATEST', ProvisionedConcurrentExecutions: 1 },
      UNPUBLISHED,
    ),
    refuses(
      'PutProvisionedConcurrencyConfig',
      'InvalidParameterValueException',
      'more than is reserved',
      { FunctionName, Qualifier: '1', ProvisionedConcurrentExecutions: 6 },
      /^Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function \[5\]\.$/,
    ),
    refuses(
      'PutProvisionedConcurrencyConfig',
      'ResourceNotFoundException',
      'a version that there is not',
      { FunctionName, Qualifier: '9', ProvisionedConcurrentExecutions: 1 },
      /^Function not found: /,
    ),
    works(
      'GetProvisionedConcurrencyConfig',
      'shows it',
      { FunctionName, Qualifier: '1' },
      { RequestedProvisionedConcurrentExecutions: 1 },
    ),
    refuses(
      'GetProvisionedConcurrencyConfig',
      'ProvisionedConcurrencyConfigNotFoundException',
      'a version without',
      { FunctionName, Qualifier: '3' },
      NO_CONFIG,
    ),
    refuses(
      'GetProvisionedConcurrencyConfig',
      'InvalidParameterValueException',
      '$LATEST',
      { FunctionName, Qualifier: '$LATEST' },
      UNPUBLISHED,
    ),
    works(
      'ListProvisionedConcurrencyConfigs',
      'lists them',
      { FunctionName, MaxItems: 1 },
      { ProvisionedConcurrencyConfigs: [{ FunctionArn: `${PREFIX}:function:shared:1` }] },
    ),
    works('PutProvisionedConcurrencyConfig', 'keeps those of another version', {
      FunctionName,
      Qualifier: '2',
      ProvisionedConcurrentExecutions: 1,
    }),
    works(
      'ListProvisionedConcurrencyConfigs',
      'lists them page by page',
      { FunctionName, MaxItems: 1 },
      { NextMarker: expect.any(String) },
    ),
    works(
      'ListProvisionedConcurrencyConfigs',
      'goes on from a marker',
      (seen) => ({ FunctionName, Marker: seen.last('ListProvisionedConcurrencyConfigs').NextMarker }),
      { ProvisionedConcurrencyConfigs: [{ FunctionArn: `${PREFIX}:function:shared:2` }] },
    ),
    works('DeleteProvisionedConcurrencyConfig', 'lets these go', { FunctionName, Qualifier: '2' }),
    refuses(
      'ListProvisionedConcurrencyConfigs',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { FunctionName, Marker: 'none' },
      /The Marker "none"/,
    ),
    refuses(
      'PutFunctionConcurrency',
      'InvalidParameterValueException',
      'less than is provisioned',
      { FunctionName, ReservedConcurrentExecutions: 0 },
      /should not be lower than function's total provisioned concurrency \[1\]\.$/,
    ),
    works('DeleteProvisionedConcurrencyConfig', 'lets them go', { FunctionName, Qualifier: '1' }),
    refuses(
      'DeleteProvisionedConcurrencyConfig',
      'InvalidParameterValueException',
      '$LATEST',
      { FunctionName, Qualifier: '$LATEST' },
      UNPUBLISHED,
    ),
    works('DeleteFunctionConcurrency', 'gives the part back', { FunctionName }),
  ],
}
