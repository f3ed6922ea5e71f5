import type { ManagementClient } from './client.ts'
import { unless } from './client/failure.ts'
import type { Command } from './command.ts'
import { remote } from './remote.ts'
import { formatFields, formatTime } from './table.ts'

const TARGET = { name: 'NAME', about: 'The function, or NAME:ALIAS.', required: true } as const

export const urlCommands: readonly Command[] = [
  remote({
    name: 'url show',
    summary: 'Show the URL of a function or an alias.',
    positionals: [TARGET],
    async run({ client, argument }) {
      const json = await client.call('GetFunctionUrlConfig', { FunctionName: argument(0) })
      const text = formatFields({
        url: json.FunctionUrl,
        access: json.AuthType === 'NONE' ? 'whom the policy allows' : 'signed requests',
        changed: `${formatTime(json.LastModifiedTime)} UTC`,
      })
      return { json, text }
    },
  }),
  remote({
    name: 'url create',
    summary: 'Give a function or an alias a URL.',
    positionals: [TARGET],
    options: { public: { type: 'boolean', about: 'Open to everybody who can reach the host; else for signed requests only.' } },
    async run({ client, input, argument }) {
      const open = input.values['public'] === true
      const json = await client.call('CreateFunctionUrlConfig', {
        FunctionName: argument(0),
        AuthType: open ? 'NONE' : 'AWS_IAM',
      })
      if (open) await allowEverybody(client, argument(0))
      return { json, text: json.FunctionUrl ?? '' }
    },
  }),
  remote({
    name: 'url delete',
    summary: 'Take the URL of a function or an alias away.',
    positionals: [TARGET],
    async run({ client, argument }) {
      const json = await client.call('DeleteFunctionUrlConfig', { FunctionName: argument(0) })
      await close(client, argument(0))
      return { json, text: `${argument(0)} has no URL` }
    },
  }),
]

/** As AWS's console names it. */
const STATEMENT = 'FunctionURLAllowPublicAccess'

/** Says in the policy that everybody may use the URL, unless it says so already. */
async function allowEverybody(client: ManagementClient, FunctionName: string): Promise<void> {
  await client
    .call('AddPermission', {
      FunctionName,
      StatementId: STATEMENT,
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    })
    .catch(unless('ResourceConflictException'))
}

const close = (client: ManagementClient, FunctionName: string): Promise<unknown> =>
  client.call('RemovePermission', { FunctionName, StatementId: STATEMENT }).catch(unless('ResourceNotFoundException'))

/** A URL that is open to everybody, made or opened where it was not. */
export async function openUrl(client: ManagementClient, FunctionName: string): Promise<string> {
  const config = await client.call('GetFunctionUrlConfig', { FunctionName }).catch(unless('ResourceNotFoundException'))
  const url =
    config?.FunctionUrl ?? (await client.call('CreateFunctionUrlConfig', { FunctionName, AuthType: 'NONE' })).FunctionUrl ?? ''
  if (config !== undefined && config.AuthType !== 'NONE')
    await client.call('UpdateFunctionUrlConfig', { FunctionName, AuthType: 'NONE' })
  await allowEverybody(client, FunctionName)
  return url
}
