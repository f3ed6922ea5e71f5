import { once } from 'node:events'
import { HOST_FIELDS } from '../functions/settings.ts'
import { formatJson } from '../observe/format.ts'
import type { Command } from './command.ts'
import { CONFIG_OPTION, JSON_LOGS_OPTION, LISTEN_OPTIONS, listenOptions } from './listen-options.ts'
import { integerOption, textOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Build and serve the functions of the configuration.',
  positionals: [],
  options: {
    ...LISTEN_OPTIONS,
    lanes: { type: 'string', value: 'N', about: "Worker threads, instead of the configuration's; one per core by default." },
    data: {
      type: 'string',
      value: 'DIR',
      about: "Folder of managed functions, instead of the configuration's dataDir: turns the management API on.",
    },
    'management-port': {
      type: 'string',
      value: 'N',
      about: "Port of the management API, instead of the configuration's; 0 takes a free one.",
    },
    'management-host': {
      type: 'string',
      value: 'H',
      about: "Address of the management API, instead of the configuration's; others than this machine's need an access key.",
    },
    nats: { type: 'string', value: 'URL', about: "NATS servers that keep queues and streams, instead of the configuration's." },
    signed: { type: 'boolean', about: 'Requests to the management API must be signed, on every address.' },
    dev: { type: 'boolean', about: 'Development: error details, server-timing, an index at /, a line per invocation.' },
    json: JSON_LOGS_OPTION,
  },
  async run(input, io) {
    // Loaded only when the command runs: help and mistakes answer at once.
    const [{ startHost }, { configurationOf }] = await Promise.all([import('../host.ts'), import('../management.ts')])
    const listen = listenOptions(input)
    const lanes = integerOption(input, 'lanes', HOST_FIELDS.lanes)
    const json = input.values['json'] === true
    const dataDir = textOption(input, 'data')
    const managementPort = integerOption(input, 'management-port', HOST_FIELDS.managementPort)
    const managementHost = textOption(input, 'management-host')
    const nats = textOption(input, 'nats')
    // With a data folder there may be nothing to configure.
    const configOptional = dataDir !== undefined && listen.config === CONFIG_OPTION.default
    const { functions } = await configurationOf({ ...listen, configOptional })
    const host = await startHost({
      ...listen,
      configOptional,
      ...(dataDir === undefined ? {} : { dataDir }),
      ...(managementPort === undefined ? {} : { managementPort }),
      ...(managementHost === undefined ? {} : { managementHost }),
      ...(nats === undefined ? {} : { nats }),
      ...(input.values['signed'] === true && { managementAccess: 'signed' as const }),
      dev: input.values['dev'] === true,
      logs: json ? 'json' : 'text',
      ...(lanes === undefined ? {} : { lanes }),
      onProgress: deployProgress(io, functions.length),
      signal: io.signal,
    }).finally(() => clearProgress(io))
    const say = (message: string) =>
      json
        ? io.stdout.write(`${formatJson({ type: 'host', time: Date.now(), level: 'info', message })}\n`)
        : io.stderr.write(`${message}\n`)
    say(`serving ${host.functions.length} ${host.functions.length === 1 ? 'function' : 'functions'} at ${host.url}`)
    if (host.managementUrl !== undefined) say(`managing functions at ${host.managementUrl}`)
    if (!io.signal.aborted) await once(io.signal, 'abort')
    say('shutting down: waiting for what runs')
    await host.close()
    return 0
  },
}
