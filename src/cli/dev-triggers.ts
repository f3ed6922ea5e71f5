import { AmpouleError } from '../errors.ts'
import type { TriggerRequest } from '../dev/triggers.ts'
import type { Command, Input, Io } from './command.ts'
import { integerOption, textOption } from './parse.ts'
import { CONFIG_OPTION, configPath } from './listen-options.ts'

const COMMON = {
  config: { ...CONFIG_OPTION, about: 'The configuration, for the port of the running ampoule dev.' },
  port: { type: 'string', value: 'N', about: 'Port of the running ampoule dev.' },
  json: { type: 'boolean', about: 'Print the answer as JSON.' },
} as const

const NAME = { name: 'NAME', about: 'The function.', required: true } as const

export const devQueueSend: Command = {
  name: 'dev queue send',
  summary: 'Give a function of the running ampoule dev messages, as its queue would.',
  positionals: [NAME, { name: 'BODY', about: 'The messages, one batch.', required: true, repeats: true }],
  options: {
    queue: { type: 'string', value: 'QUEUE', about: "The queue's name; the function's when left out." },
    ...COMMON,
  },
  async run(input, io) {
    const [name = '', ...bodies] = input.positionals
    const answer = await trigger({ trigger: 'queue', function: name, queue: textOption(input, 'queue') ?? name, bodies }, input)
    const { failures = [] } = answer as { readonly failures?: readonly unknown[] }
    const done = bodies.length - failures.length
    return print(
      answer,
      `${done} of ${bodies.length} done${failures.length === 0 ? '' : `, ${failures.length} to come again`}`,
      input,
      io,
    )
  },
}

export const devStreamPut: Command = {
  name: 'dev stream put',
  summary: 'Give a function of the running ampoule dev records, as its stream would.',
  positionals: [NAME, { name: 'DATA', about: 'The records, one batch, in order.', required: true, repeats: true }],
  options: {
    stream: { type: 'string', value: 'STREAM', about: "The stream's name; the function's when left out." },
    key: { type: 'string', value: 'KEY', about: 'The partition key.', default: 'key' },
    ...COMMON,
  },
  async run(input, io) {
    const [name = '', ...data] = input.positionals
    const stream = textOption(input, 'stream') ?? name
    const key = textOption(input, 'key') ?? 'key'
    const answer = await trigger({ trigger: 'stream', function: name, stream, key, data }, input)
    const { failedFrom } = answer as { readonly failedFrom?: string }
    return print(
      answer,
      failedFrom === undefined ? `${data.length} of ${data.length} done` : `from ${failedFrom} on to come again`,
      input,
      io,
    )
  },
}

export const devCronRun: Command = {
  name: 'dev cron run',
  summary: 'Run a function of the running ampoule dev as its schedule would.',
  positionals: [NAME],
  options: {
    cron: { type: 'string', value: 'EXPRESSION', about: 'The expression that the function is told.', default: '* * * * *' },
    time: { type: 'string', value: 'TIME', about: 'When the run is due, as in 2026-01-31T06:00:00Z; now when left out.' },
    ...COMMON,
  },
  async run(input, io) {
    const [name = ''] = input.positionals
    const time = textOption(input, 'time')
    const timeMs = time === undefined ? Date.now() : Date.parse(time)
    if (Number.isNaN(timeMs))
      throw new AmpouleError('InvalidRequest', `--time is ${JSON.stringify(time)}: it must be a time like 2026-01-31T06:00:00Z`)
    const cron = textOption(input, 'cron') ?? '* * * * *'
    return print(await trigger({ trigger: 'cron', function: name, cron, timeMs }, input), 'done', input, io)
  },
}

async function trigger(request: TriggerRequest, input: Input): Promise<object> {
  const { askDev } = await import('../dev/client.ts')
  const answer = await askDev(await urlOf(input), '/trigger', request)
  return (answer as { readonly answer: object | null }).answer ?? {}
}

async function urlOf(input: Input): Promise<string> {
  const port = integerOption(input, 'port', { min: 1, max: 65_535 })
  if (port !== undefined) return `http://127.0.0.1:${port}`
  const { loadConfiguration } = await import('../deploy.ts')
  const { host } = await loadConfiguration(configPath(input))
  return `http://127.0.0.1:${host.port}`
}

function print(answer: object, text: string, input: Input, io: Io): number {
  io.stdout.write(input.values['json'] === true ? `${JSON.stringify(answer)}\n` : `${text}\n`)
  return 0
}
