import { AmpouleError } from '../errors.ts'
import type { OutputOf } from '../gateway/management/contract.ts'
import type { ManagementClient } from './client.ts'
import type { Command } from './command.ts'
import { NAME, remote } from './remote.ts'
import { until } from './settle.ts'
import { formatFields, formatTable } from './table.ts'

const count = (text: string, name: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new AmpouleError('InvalidRequest', `${name} is ${JSON.stringify(text)}: it must be a number from 0 on`)
}

export const concurrencyCommands: readonly Command[] = [
  remote({
    name: 'concurrency show',
    summary:
      'Show how many invocations of a function may run at once, or of all together, and how many instances are kept ready.',
    positionals: [{ ...NAME, about: "The function; the host's limits when left out.", required: false }],
    async run({ client, argument }) {
      const FunctionName = argument(0)
      const { AccountLimit: limit = {}, ...rest } = await client.call('GetAccountSettings', {})
      if (FunctionName === '') {
        const text = formatFields({ 'at once': limit.ConcurrentExecutions, 'not reserved': limit.UnreservedConcurrentExecutions })
        return { json: { AccountLimit: limit, ...rest }, text }
      }
      const { ReservedConcurrentExecutions: reserved } = await client.call('GetFunctionConcurrency', { FunctionName })
      const configs = await client.list('ListProvisionedConcurrencyConfigs', { FunctionName }, 'ProvisionedConcurrencyConfigs')
      const json = { ...(reserved !== undefined && { ReservedConcurrentExecutions: reserved }), ...configs }
      const own = formatFields({
        'at once': reserved ?? `${limit.UnreservedConcurrentExecutions}, shared with all functions that have none reserved`,
        reserved: reserved ?? 'none',
      })
      const rows = configs.ProvisionedConcurrencyConfigs.map((one) => [
        one.FunctionArn?.split(':').at(-1) ?? '',
        `${one.AllocatedProvisionedConcurrentExecutions} of ${one.RequestedProvisionedConcurrentExecutions}`,
        one.Status ?? '',
        one.StatusReason ?? '',
      ])
      const ready = rows.length === 0 ? '' : `\n\n${formatTable(['provisioned', 'ready', 'status', 'reason'], rows)}`
      return { json, text: own + ready }
    },
  }),
  remote({
    name: 'concurrency set',
    summary: 'Reserve concurrency for a function: it has that much for itself, and no more.',
    positionals: [NAME, { name: 'N', about: 'Invocations at once; 0 stops the function.', required: true }],
    async run({ client, argument }) {
      const json = await client.call('PutFunctionConcurrency', {
        FunctionName: argument(0),
        ReservedConcurrentExecutions: count(argument(1), 'N'),
      })
      return { json, text: `${argument(0)} has ${json.ReservedConcurrentExecutions} invocations at once for itself` }
    },
  }),
  remote({
    name: 'concurrency reset',
    summary: 'Give back what is reserved for a function; it then shares with the others.',
    positionals: [NAME],
    async run({ client, argument }) {
      const json = await client.call('DeleteFunctionConcurrency', { FunctionName: argument(0) })
      return { json, text: `nothing is reserved for ${argument(0)}` }
    },
  }),
  remote({
    name: 'concurrency provision',
    summary: 'Keep instances of a version or an alias ready, and wait until they are; 0 ends it.',
    positionals: [
      NAME,
      { name: 'QUALIFIER', about: 'The version or alias.', required: true },
      { name: 'N', about: 'Instances.', required: true },
    ],
    async run({ client, argument }) {
      const target = { FunctionName: argument(0), Qualifier: argument(1) }
      const wanted = count(argument(2), 'N')
      const what = `${argument(0)}:${argument(1)}`
      if (wanted === 0) {
        const json = await client.call('DeleteProvisionedConcurrencyConfig', target)
        return { json, text: `no instances of ${what} are kept ready` }
      }
      const json = await provision(client, target, wanted)
      return { json, text: `${json.AllocatedProvisionedConcurrentExecutions} instances of ${what} are ready` }
    },
  }),
]

/** Keeps instances ready, and waits until they are. Rejects with `HostCapacity` when the host cannot have them. */
export async function provision(
  client: ManagementClient,
  target: { readonly FunctionName: string; readonly Qualifier: string },
  instances: number,
): Promise<OutputOf<'GetProvisionedConcurrencyConfig'>> {
  await client.call('PutProvisionedConcurrencyConfig', { ...target, ProvisionedConcurrentExecutions: instances })
  const config = await until(client, 'the instances', async () => {
    const now = await client.call('GetProvisionedConcurrencyConfig', target)
    return now.Status === 'IN_PROGRESS' ? undefined : now
  })
  if (config.Status !== 'FAILED') return config
  const { FunctionName, Qualifier } = target
  throw new AmpouleError('HostCapacity', `the instances of ${FunctionName}:${Qualifier} cannot be kept: ${config.StatusReason}`)
}
