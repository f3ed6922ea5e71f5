import type { ManagementClient } from '../client.ts'
import { unless } from '../client/failure.ts'
import { provision } from '../concurrency.ts'

/** A function that something beside it is brought in line with. Each step gives what it changed, in words; with `dryRun`, what it would. */
export interface Step {
  readonly client: ManagementClient
  readonly name: string
  readonly dryRun: boolean
  /** Whether the function was there before. */
  readonly exists: boolean
}

/** Reserved concurrency; undefined leaves it. */
export async function alignReserved(
  { client, name, dryRun, exists }: Step,
  reserved: number | undefined,
): Promise<readonly string[]> {
  if (reserved === undefined) return []
  const now = exists ? await client.call('GetFunctionConcurrency', { FunctionName: name }) : {}
  if (now.ReservedConcurrentExecutions === reserved) return []
  if (!dryRun) await client.call('PutFunctionConcurrency', { FunctionName: name, ReservedConcurrentExecutions: reserved })
  return [`reserved concurrency ${now.ReservedConcurrentExecutions ?? 'none'} → ${reserved}`]
}

/** The alias leads to the version, with all of its invocations. `version` is undefined with `dryRun` only. */
export async function alignAlias(
  { client, name, dryRun, exists }: Step,
  alias: string,
  version: string | undefined,
): Promise<readonly string[]> {
  const target = { FunctionName: name, Name: alias }
  const missing = unless('ResourceNotFoundException')
  const now = exists ? await client.call('GetAlias', target).catch(missing) : undefined
  if (dryRun || version === undefined) return now === undefined ? [`alias ${alias}`] : []
  if (now === undefined) {
    await client.call('CreateAlias', { ...target, FunctionVersion: version })
    return [`alias ${alias} → ${version}`]
  }
  const others = Object.keys(now.RoutingConfig?.AdditionalVersionWeights ?? {})
  if (now.FunctionVersion === version && others.length === 0) return []
  const RoutingConfig = { AdditionalVersionWeights: {} }
  await client.call('UpdateAlias', { ...target, FunctionVersion: version, RoutingConfig })
  return [`alias ${alias} ${[now.FunctionVersion, ...others].join(', ')} → ${version}`]
}

/** Instances that are kept ready for the alias; undefined leaves them. */
export async function alignProvisioned(
  { client, name, dryRun, exists }: Step,
  alias: string,
  instances: number | undefined,
): Promise<readonly string[]> {
  if (instances === undefined) return []
  const target = { FunctionName: name, Qualifier: alias }
  const missing = unless('ProvisionedConcurrencyConfigNotFoundException', 'ResourceNotFoundException')
  const now = exists ? await client.call('GetProvisionedConcurrencyConfig', target).catch(missing) : undefined
  if (now?.RequestedProvisionedConcurrentExecutions === instances) return []
  if (!dryRun) await provision(client, target, instances)
  return [`provisioned ${now?.RequestedProvisionedConcurrentExecutions ?? 'none'} → ${instances}`]
}
