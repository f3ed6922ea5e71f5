import { once } from 'node:events'
import { AmpouleError } from '../errors.ts'
import { DEFAULT_ACCOUNT, parseFunctionReference, qualify, type FunctionReference } from '../functions/arn.ts'
import { logGroupOf, versionOf } from '../observe/logs/names.ts'
import { printable } from '../observe/printable.ts'
import type { Command, Io } from './command.ts'
import { ENDPOINT_OPTION, openHost, type AskHost } from './host-request.ts'
import { isMissing, readEvents, type ReadEvent } from './log-events.ts'
import { textOption } from './parse.ts'

export const logs: Command = {
  name: 'logs',
  summary: "Print a managed function's log.",
  positionals: [{ name: 'NAME', about: 'The function.', required: true }],
  options: {
    follow: { type: 'boolean', about: 'Go on with what is logged from now on, until interrupted.' },
    since: {
      type: 'string',
      value: 'TIME',
      default: '10m',
      about: 'Where to begin: so long ago (30s, 5m, 2h, 7d, 1w), or a time of ISO 8601.',
    },
    filter: {
      type: 'string',
      value: 'PATTERN',
      about:
        'Only lines that match a filter pattern of CloudWatch Logs: words, "exact phrases", ?any, -without, { $.field = "value" }.',
    },
    qualifier: { type: 'string', value: 'V', about: 'Only a version, or the versions that an alias leads to now.' },
    endpoint: ENDPOINT_OPTION,
    json: { type: 'boolean', about: 'Print a JSON object for each line.' },
  },
  async run(input, io) {
    const reference = qualify(parseFunctionReference(input.positionals[0] ?? '', DEFAULT_ACCOUNT), textOption(input, 'qualifier'))
    const sinceMs = readSince(textOption(input, 'since') ?? '', Date.now())
    const ask = openHost(input, process.env, io.signal)
    const follow = input.values['follow'] === true
    const versions = await versionsOf(reference, ask)
    const group = logGroupOf(reference.name)
    const pattern = textOption(input, 'filter')
    const format = input.values['json'] === true ? formatJson(reference.name) : formatText
    try {
      for await (const event of readEvents(ask, { group, sinceMs, versions, pattern, follow, signal: io.signal }))
        await write(io, `${format(event)}\n`)
    } catch (error) {
      // Following ends no other way.
      if (follow && io.signal.aborted) return 0
      if (!isMissing(error)) throw error
      // A function that was never invoked has no log; one that is not there may still have one.
      await ask({ method: 'GET', path: `/2015-03-31/functions/${reference.name}` })
      io.stderr.write(`${reference.name} has not logged anything yet\n`)
    }
    return 0
  },
}

/** Milliseconds since the epoch. Throws `InvalidRequest`. */
export function readSince(text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  if (count !== undefined) return Math.max(0, nowMs - Number(count) * (UNITS[unit] ?? 0))
  const time = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return Math.max(0, time)
  throw new AmpouleError(
    'InvalidRequest',
    `--since is ${JSON.stringify(text)}: it must be a time such as 30s, 5m, 2h, 7d or 1w, or one of ISO 8601 such as 2026-01-31T12:00:00Z`,
  )
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

async function versionsOf({ name, qualifier }: FunctionReference, ask: AskHost): Promise<readonly string[]> {
  if (qualifier === undefined) return []
  if (qualifier === '$LATEST' || /^\d+$/.test(qualifier)) return [qualifier]
  const alias = (await ask({ method: 'GET', path: `/2015-03-31/functions/${name}/aliases/${qualifier}` })) as {
    readonly FunctionVersion: string
    readonly RoutingConfig?: { readonly AdditionalVersionWeights?: object }
  }
  return [alias.FunctionVersion, ...Object.keys(alias.RoutingConfig?.AdditionalVersionWeights ?? {})]
}

/** What functions wrote stands behind a mark, so that nothing of it can look like the host's own lines. */
const MARKS: Readonly<Record<string, string>> = { function: '|', error: '!' }

const formatText = ({ timestamp, kind, message }: ReadEvent): string =>
  `${new Date(timestamp).toISOString()} ${MARKS[kind] ?? '-'} ${printable(message)}`

const formatJson =
  (functionName: string) =>
  ({ timestamp, logStreamName, kind, requestId, message }: ReadEvent): string =>
    JSON.stringify({
      time: new Date(timestamp).toISOString(),
      function: functionName,
      version: versionOf(logStreamName),
      stream: logStreamName,
      requestId,
      kind,
      message,
    })

async function write({ stdout, signal }: Io, text: string): Promise<void> {
  if (!stdout.write(text)) await once(stdout, 'drain', { signal })
}
