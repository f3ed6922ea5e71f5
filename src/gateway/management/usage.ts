import type { Control } from '../../control/control.ts'
import { parseFunctionReference } from '../../functions/arn.ts'
import { invalidParameter } from '../../functions/lambda-error.ts'
import type { Prices } from '../../functions/prices.ts'
import { dayOf } from '../../observe/logs/names.ts'
import type { Counts } from '../../observe/usage/counted.ts'

/** What `GET /_ampoule/usage` says of a function's version on a day, or of all of them. */
export interface Usage {
  readonly requests: number
  readonly errors: number
  readonly throttles: number
  readonly gbSeconds: number
  readonly provisionedGbSeconds: number
  readonly fuel: number
  /** In the currency of the prices. */
  readonly cost: number
}

export interface UsageAnswer {
  /** Both days (`YYYY-MM-DD`, UTC) belong to it. */
  readonly from: string
  readonly to: string
  readonly prices: Prices
  readonly usage: readonly (Usage & { readonly date: string; readonly functionName: string; readonly version: string })[]
  /** `usage` has not all of it; `total` has. */
  readonly truncated: boolean
  readonly total: Usage
}

/** Without `from`: from the first of the month on; without `to`: until today. Throws `InvalidParameterValueException`. */
export async function readUsage(query: URLSearchParams, control: Control): Promise<UsageAnswer> {
  for (const name of query.keys())
    if (!['from', 'to', 'function'].includes(name))
      throw invalidParameter(`The parameter ${JSON.stringify(name.slice(0, 100))} is not known; known are from, to and function`)
  const today = dayOf(control.now())
  const to = readDay('to', query) ?? today
  const from = readDay('from', query) ?? `${to.slice(0, 8)}01`
  if (from > to) throw invalidParameter(`from (${from}) must not be after to (${to})`)
  const name = query.get('function')
  const functionName = name === null ? undefined : parseFunctionReference(name, control.account).name
  await control.logs.collect()
  const { rows, total, truncated } = await control.logs.store.usage({ from, to, functionName })
  const { prices } = control
  return {
    from,
    to,
    prices,
    usage: rows.map((row) => ({
      date: row.day,
      functionName: row.functionName,
      version: row.version,
      ...usageOf(row, prices),
    })),
    truncated,
    total: usageOf(total, prices),
  }
}

function readDay(name: string, query: URLSearchParams): string | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const time = Date.parse(`${text}T00:00:00Z`)
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time) && dayOf(time) === text) return text
  throw invalidParameter(`${name} is ${JSON.stringify(text.slice(0, 100))}: it must be a day as YYYY-MM-DD`)
}

const MB_MS_PER_GB_SECOND = 1024 * 1000

function usageOf({ requests, errors, throttles, billedMbMs, provisionedMbMs, fuel }: Counts, prices: Prices): Usage {
  const gbSeconds = billedMbMs / MB_MS_PER_GB_SECOND
  const provisionedGbSeconds = provisionedMbMs / MB_MS_PER_GB_SECOND
  const cost =
    (requests / 1_000_000) * prices.perMillionRequests +
    gbSeconds * prices.perGbSecond +
    provisionedGbSeconds * prices.perProvisionedGbSecond
  return { requests, errors, throttles, gbSeconds, provisionedGbSeconds, fuel, cost }
}
