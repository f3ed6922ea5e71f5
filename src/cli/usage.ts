import type { UsageAnswer } from '../gateway/management/usage.ts'
import type { Command } from './command.ts'
import { ENDPOINT_OPTION, openHost } from './host-request.ts'
import { textOption } from './parse.ts'

export const usage: Command = {
  name: 'usage',
  summary: 'Print what managed functions took, by day, and what that costs.',
  positionals: [],
  options: {
    from: { type: 'string', value: 'DAY', about: 'The first day (YYYY-MM-DD, UTC). Left out: the first of the month.' },
    to: { type: 'string', value: 'DAY', about: 'The last day. Left out: today.' },
    function: { type: 'string', value: 'NAME', about: 'Only this function.' },
    endpoint: ENDPOINT_OPTION,
    json: { type: 'boolean', about: 'Print JSON.' },
  },
  async run(input, io) {
    const query: Record<string, string> = {}
    for (const name of ['from', 'to', 'function']) {
      const value = textOption(input, name)
      if (value !== undefined) query[name] = value
    }
    const ask = openHost(input, process.env, io.signal)
    const answer = (await ask({ method: 'GET', path: '/_ampoule/usage', query })) as UsageAnswer
    io.stdout.write(`${input.values['json'] === true ? JSON.stringify(answer) : formatUsage(answer)}\n`)
    return 0
  },
}

const HEAD = ['DATE', 'FUNCTION', 'VERSION', 'REQUESTS', 'ERRORS', 'THROTTLES', 'GB-SECONDS', 'PROVISIONED GB-S', 'COST']
/** Behind these columns stand figures. */
const NAMES = 3

type Sums = UsageAnswer['total']

function formatUsage({ from, to, usage: rows, total, truncated }: UsageAnswer): string {
  if (rows.length === 0) return `nothing was used from ${from} to ${to}`
  const figures = (sums: Sums): readonly string[] => [
    String(sums.requests),
    String(sums.errors),
    String(sums.throttles),
    sums.gbSeconds.toFixed(3),
    sums.provisionedGbSeconds.toFixed(3),
    sums.cost.toFixed(6),
  ]
  const lines = [
    HEAD,
    ...rows.map((row) => [row.date, row.functionName, row.version, ...figures(row)]),
    ['total', '', '', ...figures(total)],
  ]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  const text = lines.map((cells) =>
    cells
      .map((cell, column) => (column < NAMES ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return [
    ...text,
    ...(truncated ? ['There is more than is shown; the total has all of it. Ask for fewer days, or for a --function.'] : []),
  ].join('\n')
}
