import type { AliasConfiguration, AliasRoutingConfiguration } from '@aws-sdk/client-lambda'
import { AmpouleError } from '../errors.ts'
import type { Command, Input } from './command.ts'
import { textOption } from './parse.ts'
import { NAME, remote } from './remote.ts'
import { formatTable } from './table.ts'

const ALIAS = { name: 'ALIAS', about: "The alias's name.", required: true } as const
const OPTIONS = {
  weights: {
    type: 'string',
    value: 'VERSION=PART',
    about: 'A second version and the part of the invocations that goes to it, such as 4=0.1; "none" ends it.',
  },
  description: { type: 'string', value: 'TEXT', about: 'What is said of the alias.' },
} as const

export const aliasCommands: readonly Command[] = [
  remote({
    name: 'alias list',
    summary: 'List the aliases of a function.',
    positionals: [NAME],
    async run({ client, argument }) {
      const json = await client.list('ListAliases', { FunctionName: argument(0) }, 'Aliases')
      const rows = json.Aliases.map((one) => [one.Name ?? '', leadsTo(one), one.Description ?? ''])
      if (rows.length === 0)
        return { json, text: `${argument(0)} has no aliases.`, next: `ampoule alias create ${argument(0)} live VERSION` }
      return { json, text: formatTable(['alias', 'leads to', 'description'], rows) }
    },
  }),
  remote({
    name: 'alias create',
    summary: 'Make an alias: a name that leads to a version, or to two by weight.',
    positionals: [NAME, ALIAS, { name: 'VERSION', about: 'The version that it leads to.', required: true }],
    options: OPTIONS,
    async run({ client, input, argument }) {
      const json = await client.call('CreateAlias', {
        FunctionName: argument(0),
        Name: argument(1),
        FunctionVersion: argument(2),
        ...changesOf(input),
      })
      return { json, text: told(argument(0), json) }
    },
  }),
  remote({
    name: 'alias update',
    summary: 'Move an alias, or change what goes to a second version; no request fails meanwhile.',
    positionals: [
      NAME,
      ALIAS,
      { name: 'VERSION', about: 'The version that it leads to; as before when left out.', required: false },
    ],
    options: OPTIONS,
    async run({ client, input, argument }) {
      const changes = changesOf(input)
      if (argument(2) === '' && Object.keys(changes).length === 0)
        throw new AmpouleError('InvalidRequest', 'there is nothing to change: give VERSION, --weights or --description')
      const json = await client.call('UpdateAlias', {
        FunctionName: argument(0),
        Name: argument(1),
        ...(argument(2) !== '' && { FunctionVersion: argument(2) }),
        ...changes,
      })
      return { json, text: told(argument(0), json) }
    },
  }),
  remote({
    name: 'alias delete',
    summary: 'Delete an alias; the version stays.',
    positionals: [NAME, ALIAS],
    async run({ client, argument }) {
      const json = await client.call('DeleteAlias', { FunctionName: argument(0), Name: argument(1) })
      return { json, text: `alias ${argument(1)} of ${argument(0)} is deleted` }
    },
  }),
]

const told = (name: string, alias: AliasConfiguration): string => `${name}:${alias.Name} leads to ${leadsTo(alias)}`

/** `3`, or `3 (90 %), 4 (10 %)`. */
function leadsTo({ FunctionVersion = '', RoutingConfig }: AliasConfiguration): string {
  const [second] = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {})
  if (second === undefined) return FunctionVersion
  const [version, weight] = second
  return `${FunctionVersion} (${percent(1 - weight)}), ${version} (${percent(weight)})`
}

const percent = (part: number): string => `${Number((part * 100).toFixed(2))} %`

function changesOf(input: Input): { RoutingConfig?: AliasRoutingConfiguration; Description?: string } {
  const weights = textOption(input, 'weights')
  const Description = textOption(input, 'description')
  return {
    ...(weights !== undefined && { RoutingConfig: { AdditionalVersionWeights: readWeights(weights) } }),
    ...(Description !== undefined && { Description }),
  }
}

/** Throws `InvalidRequest`. */
function readWeights(text: string): Record<string, number> {
  if (text === 'none') return {}
  const [, version, part] = /^(\d+)=(0?\.\d+|0|1|1\.0)$/.exec(text) ?? []
  if (version !== undefined && part !== undefined) return { [version]: Number(part) }
  throw new AmpouleError(
    'InvalidRequest',
    `--weights is ${JSON.stringify(text)}: it must be VERSION=PART with a part from 0 to 1, such as 4=0.1, or none`,
  )
}
