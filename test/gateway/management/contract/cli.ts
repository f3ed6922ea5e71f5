import type { OperationName } from '../../../../src/gateway/management/model/model.ts'
import { ROLE } from '../host.ts'
import { ACCOUNT, PREFIX } from './names.ts'

/** One call of `aws lambda`. `args`: what stands behind the operation; `gives`: part of what it prints, as `toMatchObject` takes it. */
export interface CliCall {
  readonly operation: OperationName
  readonly args: (said: Said) => readonly string[]
  readonly gives: object | undefined
}

/** What operations have printed so far. */
export type Said = (operation: OperationName) => Readonly<Record<string, unknown>>

const call = (operation: OperationName, args: string | ((said: Said) => string), gives?: object): CliCall => ({
  operation,
  args: (said) => (typeof args === 'string' ? args : args(said)).split(' ').filter((arg) => arg !== ''),
  gives,
})

const FN = '--function-name cli'
const LAYER = '--layer-name cli-layer'
const ARN = `${PREFIX}:function:cli`

/** In this order; `code.zip` and `payload.json` are in the folder where they run, and the queue `cli` is on the host. Debian's `aws` knows all of them. */
export const CLI_CALLS: readonly CliCall[] = [
  call('CreateFunction', `${FN} --runtime nodejs18.x --handler index.handler --role ${ROLE} --zip-file fileb://code.zip`, {
    FunctionName: 'cli',
    FunctionArn: ARN,
  }),
  call('GetFunctionConfiguration', FN, { FunctionName: 'cli', State: 'Active' }),
  call('GetFunction', FN, { Configuration: { FunctionArn: ARN } }),
  call('ListFunctions', '--max-items 1', { Functions: [{}] }),
  call('UpdateFunctionConfiguration', `${FN} --timeout 5 --memory-size 256`, { Timeout: 5, MemorySize: 256 }),
  call('UpdateFunctionCode', `${FN} --zip-file fileb://code.zip --dry-run`, { FunctionName: 'cli' }),
  call('Invoke', `${FN} --payload fileb://payload.json --log-type Tail out.json`, { StatusCode: 200 }),
  call('PublishVersion', FN, { Version: '1' }),
  call('ListVersionsByFunction', FN, { Versions: [{ Version: '$LATEST' }, { Version: '1' }] }),
  call('CreateAlias', `${FN} --name live --function-version 1`, { AliasArn: `${ARN}:live` }),
  call('GetAlias', `${FN} --name live`, { FunctionVersion: '1' }),
  call('UpdateAlias', `${FN} --name live --description moved`, { Description: 'moved' }),
  call('ListAliases', FN, { Aliases: [{ Name: 'live' }] }),
  call('PublishLayerVersion', `${LAYER} --zip-file fileb://code.zip`, { Version: 1 }),
  call('GetLayerVersion', `${LAYER} --version-number 1`, { Version: 1 }),
  call('GetLayerVersionByArn', `--arn ${PREFIX}:layer:cli-layer:1`, { Version: 1 }),
  call('ListLayerVersions', LAYER, { LayerVersions: [{ Version: 1 }] }),
  call('ListLayers', '--max-items 1', { Layers: [{}] }),
  call(
    'AddLayerVersionPermission',
    `${LAYER} --version-number 1 --statement-id all --action lambda:GetLayerVersion --principal *`,
  ),
  call('GetLayerVersionPolicy', `${LAYER} --version-number 1`),
  call('RemoveLayerVersionPermission', `${LAYER} --version-number 1 --statement-id all`),
  call('DeleteLayerVersion', `${LAYER} --version-number 1`),
  call('PutFunctionConcurrency', `${FN} --reserved-concurrent-executions 5`, { ReservedConcurrentExecutions: 5 }),
  call('GetFunctionConcurrency', FN, { ReservedConcurrentExecutions: 5 }),
  call('DeleteFunctionConcurrency', FN),
  call('PutProvisionedConcurrencyConfig', `${FN} --qualifier live --provisioned-concurrent-executions 1`, {
    RequestedProvisionedConcurrentExecutions: 1,
  }),
  call('GetProvisionedConcurrencyConfig', `${FN} --qualifier live`, { RequestedProvisionedConcurrentExecutions: 1 }),
  call('ListProvisionedConcurrencyConfigs', FN, { ProvisionedConcurrencyConfigs: [{}] }),
  call('DeleteProvisionedConcurrencyConfig', `${FN} --qualifier live`),
  call('PutFunctionEventInvokeConfig', `${FN} --maximum-retry-attempts 1`, { MaximumRetryAttempts: 1 }),
  call('UpdateFunctionEventInvokeConfig', `${FN} --maximum-event-age-in-seconds 60`, { MaximumEventAgeInSeconds: 60 }),
  call('GetFunctionEventInvokeConfig', FN, { MaximumRetryAttempts: 1 }),
  call('ListFunctionEventInvokeConfigs', FN, { FunctionEventInvokeConfigs: [{}] }),
  call('DeleteFunctionEventInvokeConfig', FN),
  call('CreateFunctionUrlConfig', `${FN} --auth-type NONE`, { AuthType: 'NONE' }),
  call('GetFunctionUrlConfig', FN, { AuthType: 'NONE' }),
  call('UpdateFunctionUrlConfig', `${FN} --cors AllowOrigins=https://example.com`, {
    Cors: { AllowOrigins: ['https://example.com'] },
  }),
  call('ListFunctionUrlConfigs', FN, { FunctionUrlConfigs: [{ AuthType: 'NONE' }] }),
  call('DeleteFunctionUrlConfig', FN),
  call('AddPermission', `${FN} --statement-id s3 --action lambda:InvokeFunction --principal s3.amazonaws.com`),
  call('GetPolicy', FN),
  call('RemovePermission', `${FN} --statement-id s3`),
  call('CreateEventSourceMapping', `${FN} --event-source-arn arn:aws:sqs:us-east-1:${ACCOUNT}:cli --batch-size 5`, {
    BatchSize: 5,
  }),
  call('GetEventSourceMapping', (said) => `--uuid ${String(said('CreateEventSourceMapping')['UUID'])}`, { BatchSize: 5 }),
  call('ListEventSourceMappings', FN, { EventSourceMappings: [{ BatchSize: 5 }] }),
  call('UpdateEventSourceMapping', (said) => `--uuid ${String(said('CreateEventSourceMapping')['UUID'])} --batch-size 6`, {
    BatchSize: 6,
  }),
  call('DeleteEventSourceMapping', (said) => `--uuid ${String(said('CreateEventSourceMapping')['UUID'])}`),
  call('TagResource', `--resource ${ARN} --tags team=blue`),
  call('ListTags', `--resource ${ARN}`, { Tags: { team: 'blue' } }),
  call('UntagResource', `--resource ${ARN} --tag-keys team`),
  call('GetAccountSettings', '', { AccountLimit: {} }),
  call('GetFunctionCodeSigningConfig', FN, { FunctionName: 'cli' }),
  call('DeleteAlias', `${FN} --name live`),
  call('DeleteFunction', FN),
]

/** Calls that follow a change of the function, which goes on behind them. */
export const WAITS: Partial<Readonly<Record<OperationName, string>>> = {
  CreateFunction: 'function-active-v2',
  UpdateFunctionConfiguration: 'function-updated-v2',
}

/** `CreateFunction` -> `create-function`. */
export const commandOf = (operation: string): string => operation.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
