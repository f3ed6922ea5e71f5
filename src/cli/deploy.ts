import { AmpouleError } from '../errors.ts'
import type { Command, Input, Io } from './command.ts'
import type { Outcome } from './deploy/rollout.ts'
import { CONFIG_OPTION, configPath } from './listen-options.ts'
import { textOption } from './parse.ts'
import { openSession, REMOTE_OPTIONS } from './remote.ts'
import { SETTING_OPTIONS, settingOptions } from './setting-options.ts'
import type { Configuration } from './settle.ts'

export const deploy: Command = {
  name: 'deploy',
  summary: 'Bring functions to a host: build them, and make or change what differs there.',
  positionals: [
    {
      name: 'NAME',
      about: 'Functions of the configuration, all when left out; or the path of a file or folder.',
      required: false,
      repeats: true,
    },
  ],
  options: {
    config: CONFIG_OPTION,
    name: { type: 'string', value: 'NAME', about: "The function's name, with a path." },
    ...SETTING_OPTIONS,
    publish: { type: 'boolean', about: 'Publish a version of it.' },
    alias: {
      type: 'string',
      value: 'NAME',
      about: 'Publish a version, and have this alias lead to it; it is made where there is none.',
    },
    url: { type: 'boolean', about: 'Give it a URL that is open to everybody; with --alias the alias.' },
    'dry-run': { type: 'boolean', about: 'Only say what would be done.' },
    endpoint: REMOTE_OPTIONS.endpoint,
    json: { type: 'boolean', about: 'Print the result as JSON.' },
  },
  async run(input, io) {
    const [{ buildTargets }, { present, rollOut }, { findTargets }, { wantedOf }, { client }] = await Promise.all([
      import('./deploy/build.ts'),
      import('./deploy/rollout.ts'),
      import('./deploy/targets.ts'),
      import('./deploy/wanted.ts'),
      openSession(input, io),
    ])
    const given = settingOptions(input)
    const targets = await findTargets(input.positionals, { config: configPath(input), name: textOption(input, 'name') })
    if (targets.length === 0) throw new AmpouleError('InvalidConfiguration', 'the configuration has no functions')
    // Whether there is a host at all is known before anything is built.
    const before = new Map<string, Configuration | undefined>(
      await Promise.all(targets.map(async ({ settings: { name } }) => [name, await present(client, name)] as const)),
    )
    const hasLayers = (name: string): boolean => (given.Layers ?? before.get(name)?.Layers ?? []).length > 0
    const built = await buildTargets(targets, { variables: given.variables, hasLayers }, io)
    // All or none: one that cannot be built may be what another needs.
    const broken = [...built.values()].some((one) => one instanceof AmpouleError)
    const options = {
      publish: input.values['publish'] === true,
      alias: textOption(input, 'alias'),
      url: input.values['url'] === true,
      dryRun: input.values['dry-run'] === true,
    }
    const outcomes: Outcome[] = []
    for (const target of targets) {
      const { name } = target.settings
      const packed = built.get(name)
      if (packed instanceof AmpouleError) outcomes.push(notDone(name, packed.message))
      else if (packed === undefined || broken) outcomes.push(notDone(name, undefined))
      else {
        const now = before.get(name)
        const release = { name, packed, wanted: wantedOf(target, given, now), now }
        const done = rollOut(client, release, options, io)
        outcomes.push(await done.catch((error: unknown) => notDone(name, reasonOf(error, io))))
      }
    }
    return print(outcomes, options.dryRun, input, io)
  },
}

/** Without a reason: it was left alone because of others. */
const notDone = (name: string, reason: string | undefined): Outcome => ({
  name,
  action: reason === undefined ? 'skipped' : 'failed',
  changes: [],
  codeSha256: undefined,
  version: undefined,
  alias: undefined,
  url: undefined,
  notes: [],
  reason,
})

/** Throws what is no failure of this function. */
function reasonOf(error: unknown, { signal }: Io): string {
  if (signal.aborted || !(error instanceof AmpouleError)) throw error
  return error.message
}

const CONDITIONAL = { created: 'would be created', updated: 'would be updated' } as const

function print(outcomes: readonly Outcome[], dryRun: boolean, input: Input, io: Io): number {
  const failed = outcomes.some(({ action }) => action === 'failed')
  for (const { name, reason, notes } of outcomes) {
    for (const note of notes) io.stderr.write(`${name}: ${note}\n`)
    if (reason !== undefined) io.stderr.write(`ampoule: function "${name}" was not deployed: ${reason}\n`)
  }
  if (input.values['json'] === true) io.stdout.write(`${JSON.stringify({ dryRun, functions: outcomes })}\n`)
  else {
    const width = Math.max(...outcomes.map(({ name }) => name.length))
    for (const { name, action, changes, version, url } of outcomes) {
      const done = dryRun && action in CONDITIONAL ? CONDITIONAL[action as keyof typeof CONDITIONAL] : action
      const details = [...changes, ...(version === undefined ? [] : [`version ${version}`])]
      io.stdout.write(`${name.padEnd(width)}  ${done}${details.length === 0 ? '' : ` (${details.join(', ')})`}\n`)
      if (url !== undefined) io.stdout.write(`${' '.repeat(width)}  ${url}\n`)
    }
    const [first] = outcomes
    if (!failed && !dryRun && first !== undefined && first.url === undefined)
      io.stderr.write(`next: ampoule invoke ${first.name} --remote\n`)
  }
  return failed ? 1 : 0
}
