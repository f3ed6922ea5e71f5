import type { OperationName } from '../../../../src/gateway/management/model/model.ts'

/** What is missing, or how an operation is refused; all others are supported in full. */
export const PARTIAL: Partial<Readonly<Record<OperationName, string>>> = {
  CreateEventSourceMapping: 'streams of DynamoDB are not read: `State` is `Disabled`; no tumbling windows',
  GetCodeSigningConfig: 'code is not signed: there is none to find',
  GetFunctionCodeSigningConfig: 'code is not signed: there is never one',
  InvokeWithResponseStream: 'nothing is sent before the function has ended',
  ListCodeSigningConfigs: 'code is not signed: the list is empty',
  ListEventSourceMappings: 'a function that there is not has an empty list',
  ListFunctionsByCodeSigningConfig: 'code is not signed: there is none to find',
  PutRuntimeManagementConfig: 'only `Auto`',
  UpdateEventSourceMapping: 'no tumbling windows',
}
