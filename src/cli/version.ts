import type { Command } from './command.ts'
import { textOption } from './parse.ts'
import { NAME, remote } from './remote.ts'
import { settled } from './settle.ts'
import { formatBytes, formatTable, formatTime } from './table.ts'

export const versionCommands: readonly Command[] = [
  remote({
    name: 'version list',
    summary: 'List the versions of a function; $LATEST is the one that changes.',
    positionals: [NAME],
    async run({ client, argument }) {
      const json = await client.list('ListVersionsByFunction', { FunctionName: argument(0) }, 'Versions')
      const rows = json.Versions.map((one) => [
        one.Version ?? '',
        one.State ?? '',
        formatTime(one.LastModified),
        formatBytes(one.CodeSize ?? 0),
        one.Description ?? '',
      ])
      return { json, text: formatTable(['version', 'state', 'changed', 'code', 'description'], rows) }
    },
  }),
  remote({
    name: 'version publish',
    summary: 'Publish what $LATEST is as a version, which never changes.',
    positionals: [NAME],
    options: { description: { type: 'string', value: 'TEXT', about: 'What is said of the version.' } },
    async run({ client, input, argument }) {
      const FunctionName = argument(0)
      await settled(client, FunctionName)
      const Description = textOption(input, 'description')
      const json = await client.call('PublishVersion', { FunctionName, ...(Description !== undefined && { Description }) })
      return {
        json,
        text: `${FunctionName} has version ${json.Version}`,
        next: `ampoule alias update ${FunctionName} ALIAS ${json.Version}`,
      }
    },
  }),
  remote({
    name: 'version delete',
    summary: 'Delete a version that no alias leads to.',
    positionals: [NAME, { name: 'VERSION', about: 'The number of the version.', required: true }],
    async run({ client, argument }) {
      const json = await client.call('DeleteFunction', { FunctionName: argument(0), Qualifier: argument(1) })
      return { json, text: `version ${argument(1)} of ${argument(0)} is deleted` }
    },
  }),
]
