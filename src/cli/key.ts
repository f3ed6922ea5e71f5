import { resolve } from 'node:path'
import { AmpouleError } from '../errors.ts'
import type { Command, Input, Io } from './command.ts'
import { CONFIG_OPTION, configPath } from './listen-options.ts'
import { textOption } from './parse.ts'

// Keys are in the data folder, which one process has at a time: a host reads them when it starts, and has to be stopped to change them.
const OPTIONS = {
  config: CONFIG_OPTION,
  data: {
    type: 'string',
    value: 'DIR',
    about: "The data folder, instead of the configuration's dataDir; no host must be running on it.",
  },
  json: { type: 'boolean', about: 'Print JSON.' },
} as const

export const keyCreate: Command = {
  name: 'key create',
  summary: 'Make an access key for the management API; its secret is shown once.',
  positionals: [],
  options: OPTIONS,
  run: (input, io) =>
    withKeys(input, async ({ keys }) => {
      const { id, secret } = await keys.create()
      print({ accessKeyId: id, secretAccessKey: secret }, `AWS_ACCESS_KEY_ID=${id}\nAWS_SECRET_ACCESS_KEY=${secret}`, input, io)
      io.stderr.write('The secret is not shown again. Next: ampoule serve --signed\n')
    }),
}

export const keyList: Command = {
  name: 'key list',
  summary: 'List the access keys of the management API.',
  positionals: [],
  options: OPTIONS,
  run: (input, io) =>
    withKeys(input, async ({ keys }) => {
      const all = await keys.list()
      const lines = all.map(({ id, createdAt }) => `${id}  ${createdAt}`)
      print(
        { keys: all.map(({ id, createdAt }) => ({ accessKeyId: id, createdAt })) },
        lines.length === 0 ? 'There are no access keys. Next: ampoule key create' : lines.join('\n'),
        input,
        io,
      )
    }),
}

export const keyDelete: Command = {
  name: 'key delete',
  summary: 'Delete an access key of the management API.',
  positionals: [{ name: 'ID', about: 'The access key id.', required: true }],
  options: OPTIONS,
  run: (input, io) =>
    withKeys(input, async ({ keys }) => {
      const [id = ''] = input.positionals
      await keys.delete(id)
      print({ deleted: id }, `${id} is deleted`, input, io)
    }),
}

async function withKeys(
  input: Input,
  work: (opened: { readonly keys: Awaited<ReturnType<typeof open>> }) => Promise<void>,
): Promise<number> {
  const keys = await open(input)
  try {
    await work({ keys })
    return 0
  } finally {
    await keys.close()
  }
}

async function open(input: Input) {
  const [{ openKeys }, { configurationOf }] = await Promise.all([import('../identity/key-folder.ts'), import('../management.ts')])
  const given = textOption(input, 'data')
  if (given !== undefined) return openKeys(resolve(given), process.env['AMPOULE_KEY'])
  const { host, folder } = await configurationOf({ config: configPath(input) })
  if (host.dataDir === undefined)
    throw new AmpouleError(
      'InvalidConfiguration',
      'there is no data folder: name one with --data DIR, or as dataDir in the configuration',
    )
  return openKeys(resolve(folder, host.dataDir), process.env['AMPOULE_KEY'])
}

const print = (answer: object, text: string, input: Input, io: Io): void =>
  void io.stdout.write(`${input.values['json'] === true ? JSON.stringify(answer) : text}\n`)
