import type { Store, Transaction } from '../store/contract.ts'
import type { AliasRecord, ProvisionedConcurrencyRecord } from '../store/records.ts'

/** How many instances a provisioned configuration has each version keep, by version. They add up to what it asks for. */
export function spread(config: ProvisionedConcurrencyRecord, alias: AliasRecord | undefined): ReadonlyMap<string, number> {
  if (alias === undefined) return new Map([[config.qualifier, config.requested]])
  const { version, additional } = alias
  const diverted = additional === undefined ? 0 : Math.round(config.requested * additional.weight)
  return new Map([
    [version, config.requested - diverted],
    ...(additional === undefined ? [] : [[additional.version, diverted] as const]),
  ])
}

/** The same of all configurations of a function together. */
export async function provisionedOf(name: string, from: Store | Transaction): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>()
  for (const config of await from.list('provisioned_concurrency', { where: { name } })) {
    const alias = await from.get('aliases', [name, config.qualifier])
    for (const [version, count] of spread(config, alias)) sums.set(version, (sums.get(version) ?? 0) + count)
  }
  return sums
}
