import { AmpouleError } from '../errors.ts'
import { didYouMean } from '../functions/suggest.ts'
import type { ManagementClient } from './client.ts'
import type { Command, Input, Io, Option } from './command.ts'
import { openHost, type AskHost } from './host-request.ts'
import { textOption } from './parse.ts'

/** Of every command that asks a host. */
export const REMOTE_OPTIONS = {
  endpoint: {
    type: 'string',
    value: 'URL',
    about:
      "The host's management API, instead of AMPOULE_ENDPOINT, AWS_ENDPOINT_URL_LAMBDA or AWS_ENDPOINT_URL, else http://127.0.0.1:9000.",
  },
  json: { type: 'boolean', about: "Print JSON: the API's own answer." },
} as const satisfies Record<string, Option>

/** What a command of a host works with. */
export interface Session {
  readonly client: ManagementClient
  /** The host's other APIs. */
  readonly ask: AskHost
  readonly input: Input
  readonly io: Io
  /** The positional argument at that place; those that are required are there. */
  readonly argument: (index: number) => string
}

export interface Answer {
  /** What `--json` prints. */
  readonly json: object
  /** What is printed otherwise. */
  readonly text: string
  /** What there is to do next, for standard error. */
  readonly next?: string
}

export interface RemoteCommand extends Pick<Command, 'name' | 'summary'> {
  readonly positionals?: Command['positionals']
  readonly options?: Command['options']
  readonly run: (session: Session) => Promise<Answer>
}

/** A command that asks a host by its management API and prints the answer. */
export function remote({ name, summary, positionals = [], options = {}, run }: RemoteCommand): Command {
  return {
    name,
    summary,
    positionals,
    options: { ...options, ...REMOTE_OPTIONS },
    async run(input, io) {
      const session = await openSession(input, io)
      const { json, text, next } = await withSuggestion(session.client, () => run(session))
      const asJson = input.values['json'] === true
      io.stdout.write(`${asJson ? JSON.stringify(json) : text}\n`)
      if (next !== undefined && !asJson) io.stderr.write(`next: ${next}\n`)
      return 0
    },
  }
}

export async function openSession(input: Input, io: Io): Promise<Session> {
  // The service model is not read for help and mistakes.
  const { openClient } = await import('./client.ts')
  const client = openClient(textOption(input, 'endpoint'), process.env, io.signal)
  const ask = openHost(input, process.env, io.signal)
  return { client, ask, input, io, argument: (index) => input.positionals[index] ?? '' }
}

/** Runs it; where it asks for a function that there is not, the error names the one that may have been meant. */
export async function withSuggestion<T>(client: ManagementClient, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const [, name] = /^Function not found: (?:arn:[^\s]*:function:)?([\w-]+)/.exec((error as Error).message) ?? []
    if (name === undefined || !(error instanceof AmpouleError)) throw error
    const { Functions } = await client.list('ListFunctions', {}, 'Functions')
    const names = Functions.map(({ FunctionName = '' }) => FunctionName)
    // It is a version or an alias that is missing.
    if (names.includes(name)) throw error
    const known = names.length === 0 ? ' The host has none.' : ''
    throw new AmpouleError(error.code, `there is no function "${name}" on the host.${didYouMean(name, names)}${known}`, {
      cause: error,
    })
  }
}

export const NAME = { name: 'NAME', about: 'The function.', required: true } as const

/** Of commands that are for an alias or a version, too. */
export const QUALIFIED_NAME = {
  name: 'NAME',
  about: 'The function, or NAME:ALIAS or NAME:VERSION.',
  required: true,
} as const
