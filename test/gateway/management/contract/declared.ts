import type { OperationName } from '../../../../src/gateway/management/model/model.ts'

/** What is missing, or how an operation is refused; all others are supported in full. */
export const PARTIAL: Partial<Readonly<Record<OperationName, string>>> = {
  CreateEventSourceMapping: 'nothing is read from sources yet: `State` is `Disabled`',
  GetCodeSigningConfig: 'code is not signed: there is none to find',
  GetFunction: '`Code` has no link to the code',
  GetFunctionCodeSigningConfig: 'code is not signed: there is never one',
  InvokeWithResponseStream: 'nothing is sent before the function has ended',
  ListEventSourceMappings: 'a function that there is not has an empty list',
  PutFunctionEventInvokeConfig: 'kept, without effect yet',
  PutFunctionRecursionConfig: 'only `Allow`',
  PutRuntimeManagementConfig: 'only `Auto`',
  UpdateEventSourceMapping: 'nothing is read from sources yet',
  UpdateFunctionEventInvokeConfig: 'kept, without effect yet',
}
