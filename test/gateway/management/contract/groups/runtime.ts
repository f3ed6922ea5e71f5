import { create } from '../../host.ts'
import { lacks, refuses, works, type Group } from '../case.ts'
import { BASE } from '../code.ts'
import { PREFIX } from '../names.ts'

const FunctionName = 'kept-up'
const CodeSigningConfigArn = `${PREFIX}:code-signing-config:csc-0123456789abcdef0`
const NO_CONFIG = /^The code signing configuration cannot be found: /
const AUTO = { FunctionName, UpdateRuntimeOn: 'Auto' } as const

export const runtime: Group = {
  title: 'runtimes, recursion and code signing',
  prepare: (client) => create(client, { ...BASE, FunctionName, Publish: true }),
  cases: [
    works('PutRuntimeManagementConfig', 'takes Auto', AUTO, { UpdateRuntimeOn: 'Auto' }),
    works('PutRuntimeManagementConfig', 'takes it for a version', { ...AUTO, Qualifier: '1' }, { UpdateRuntimeOn: 'Auto' }),
    refuses(
      'PutRuntimeManagementConfig',
      'InvalidParameterValueException',
      'anything but Auto',
      { FunctionName, UpdateRuntimeOn: 'FunctionUpdate' },
      /UpdateRuntimeOn FunctionUpdate is not supported/,
    ),
    ...lacks('PutRuntimeManagementConfig', AUTO, { RuntimeVersionArn: 'arn:aws:lambda:us-east-1::runtime:0123456789abcdef' }),
    works('GetRuntimeManagementConfig', 'says Auto', { FunctionName }, { UpdateRuntimeOn: 'Auto' }),
    works('GetRuntimeManagementConfig', 'says it of a version', { FunctionName, Qualifier: '1' }, { UpdateRuntimeOn: 'Auto' }),
    works('PutFunctionRecursionConfig', 'takes Allow', { FunctionName, RecursiveLoop: 'Allow' }, { RecursiveLoop: 'Allow' }),
    works('GetFunctionRecursionConfig', 'says Allow', { FunctionName }, { RecursiveLoop: 'Allow' }),
    works(
      'PutFunctionRecursionConfig',
      'takes Terminate',
      { FunctionName, RecursiveLoop: 'Terminate' },
      { RecursiveLoop: 'Terminate' },
    ),
    refuses(
      'PutFunctionRecursionConfig',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'nowhere', RecursiveLoop: 'Allow' },
      /^Function not found: /,
    ),
    works('GetFunctionCodeSigningConfig', 'says that there is none', { FunctionName }, { FunctionName }),
    works('ListCodeSigningConfigs', 'has none to list', { MaxItems: 1, Marker: '' }, { CodeSigningConfigs: [] }),
    refuses('GetCodeSigningConfig', 'ResourceNotFoundException', 'every one', { CodeSigningConfigArn }, NO_CONFIG),
    refuses('ListFunctionsByCodeSigningConfig', 'ResourceNotFoundException', 'every one', { CodeSigningConfigArn }, NO_CONFIG),
  ],
}
