import { AmpouleError } from '../errors.ts'
import type { ManagementClient } from './client.ts'
import { unless } from './client/failure.ts'
import type { Command } from './command.ts'
import { listOption } from './parse.ts'
import { NAME, QUALIFIED_NAME, remote } from './remote.ts'
import { SETTING_OPTIONS, settingOptions } from './setting-options.ts'
import { failureOf, settled, type Configuration } from './settle.ts'
import { formatBytes, formatFields, formatTable, formatTime } from './table.ts'

export const functionCommands: readonly Command[] = [
  remote({
    name: 'function list',
    summary: 'List the managed functions of a host.',
    async run({ client }) {
      const json = await client.list('ListFunctions', {}, 'Functions')
      const rows = json.Functions.map((one) => [
        one.FunctionName ?? '',
        one.Runtime ?? '',
        `${one.MemorySize} MB`,
        `${one.Timeout} s`,
        stateOf(one),
        formatTime(one.LastModified),
      ])
      if (rows.length === 0) return { json, text: 'There are no managed functions.', next: 'ampoule deploy' }
      return { json, text: formatTable(['name', 'runtime', 'memory', 'timeout', 'state', 'changed'], rows) }
    },
  }),
  remote({
    name: 'function show',
    summary: 'Show what a function is and how it does.',
    positionals: [QUALIFIED_NAME],
    async run({ client, argument }) {
      const json = await client.call('GetFunction', { FunctionName: argument(0) })
      const { Configuration: one = {}, Concurrency } = json
      const text = formatFields({
        name: one.FunctionName,
        version: one.Version,
        arn: one.FunctionArn,
        state: stateOf(one),
        reason: failureOf(one),
        runtime: one.Runtime,
        handler: one.Handler,
        memory: `${one.MemorySize} MB`,
        timeout: `${one.Timeout} s`,
        code: formatBytes(one.CodeSize ?? 0),
        'sha-256': one.CodeSha256,
        // Their values may be secrets; --json has them.
        environment: joined(Object.keys(one.Environment?.Variables ?? {})),
        layers: joined((one.Layers ?? []).map(({ Arn = '' }) => Arn.split(':').slice(-2).join(':'))),
        reserved: Concurrency?.ReservedConcurrentExecutions,
        url: await urlOf(client, argument(0)),
        role: one.Role,
        description: one.Description === '' ? undefined : one.Description,
        changed: `${formatTime(one.LastModified)} UTC`,
      })
      return { json, text }
    },
  }),
  remote({
    name: 'function update',
    summary: 'Change settings of a function; its code changes with "ampoule deploy".',
    positionals: [NAME],
    options: {
      ...SETTING_OPTIONS,
      'remove-env': {
        type: 'string',
        value: 'NAME',
        about: 'An environment variable to take away; the others stay.',
        repeats: true,
      },
    },
    async run({ client, input, argument }) {
      const FunctionName = argument(0)
      const { variables, ...given } = settingOptions(input)
      const removed = listOption(input, 'remove-env')
      if (variables === undefined && removed.length === 0 && Object.keys(given).length === 0)
        throw new AmpouleError('InvalidRequest', `there is nothing to change: give ${optionNames()}`)
      const before = await settled(client, FunctionName)
      const kept = Object.entries(before.Environment?.Variables ?? {}).filter(([name]) => !removed.includes(name))
      await client.call('UpdateFunctionConfiguration', {
        FunctionName,
        RevisionId: before.RevisionId,
        ...given,
        ...((variables !== undefined || removed.length > 0) && {
          Environment: { Variables: { ...Object.fromEntries(kept), ...variables } },
        }),
      })
      const json = await settled(client, FunctionName)
      const reason = failureOf(json)
      if (reason !== undefined)
        throw new AmpouleError('FunctionError', `${FunctionName} goes on as it was, the change failed: ${reason}`)
      return { json, text: `${FunctionName} is changed` }
    },
  }),
  remote({
    name: 'function delete',
    summary: 'Delete a function with all its versions, aliases and its URL.',
    positionals: [NAME],
    async run({ client, argument }) {
      const json = await client.call('DeleteFunction', { FunctionName: argument(0) })
      return { json, text: `${argument(0)} is deleted` }
    },
  }),
]

const optionNames = (): string => [...Object.keys(SETTING_OPTIONS), 'remove-env'].map((name) => `--${name}`).join(', ')

const joined = (names: readonly string[]): string | undefined => (names.length === 0 ? undefined : names.join(', '))

/** Lambda's `State`, or that the last change failed or is under way. */
function stateOf({ State, LastUpdateStatus }: Configuration): string {
  if (State !== 'Active' || LastUpdateStatus === undefined || LastUpdateStatus === 'Successful') return State ?? ''
  return LastUpdateStatus === 'Failed' ? 'Active, last change failed' : 'Updating'
}

/** Versions cannot have one. */
async function urlOf(client: ManagementClient, FunctionName: string): Promise<string | undefined> {
  const none = unless('ResourceNotFoundException', 'InvalidParameterValueException')
  return (await client.call('GetFunctionUrlConfig', { FunctionName }).catch(none))?.FunctionUrl
}
