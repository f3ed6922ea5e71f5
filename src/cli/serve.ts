import { once } from 'node:events'
import { HOST_FIELDS } from '../functions/settings.ts'
import { formatJson } from '../observe/format.ts'
import type { Command } from './command.ts'
import { integerOption, textOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'

export const CONFIG_OPTION = { type: 'string', value: 'FILE', about: 'The configuration.', default: 'ampoule.jsonc' } as const

export const serve: Command = {
  name: 'serve',
  summary: 'Build and serve the functions of the configuration.',
  positionals: [],
  options: {
    config: CONFIG_OPTION,
    port: { type: 'string', value: 'N', about: "Port to listen on, instead of the configuration's; 0 takes a free one." },
    host: { type: 'string', value: 'H', about: "Address to listen on, instead of the configuration's." },
    lanes: { type: 'string', value: 'N', about: "Worker threads, instead of the configuration's; one per core by default." },
    dev: { type: 'boolean', about: 'Development: error details, server-timing, an index at /, a line per invocation.' },
    json: { type: 'boolean', about: 'Log JSON, one record per line: what functions log and how each invocation ended.' },
  },
  async run(input, io) {
    // Loaded only when the command runs: help and mistakes answer at once.
    const [{ startHost }, { loadConfiguration }] = await Promise.all([import('../host.ts'), import('../deploy.ts')])
    const config = textOption(input, 'config') ?? 'ampoule.jsonc'
    const port = integerOption(input, 'port', HOST_FIELDS.port)
    const lanes = integerOption(input, 'lanes', HOST_FIELDS.lanes)
    const address = textOption(input, 'host')
    const json = input.values['json'] === true
    const { functions } = await loadConfiguration(config)
    const host = await startHost({
      config,
      dev: input.values['dev'] === true,
      logs: json ? 'json' : 'text',
      ...(port === undefined ? {} : { port }),
      ...(lanes === undefined ? {} : { lanes }),
      ...(address === undefined ? {} : { host: address }),
      onProgress: deployProgress(io, functions.length),
      signal: io.signal,
    }).finally(() => clearProgress(io))
    const say = (message: string) =>
      json
        ? io.stdout.write(`${formatJson({ type: 'host', time: Date.now(), level: 'info', message })}\n`)
        : io.stderr.write(`${message}\n`)
    say(`serving ${host.functions.length} ${host.functions.length === 1 ? 'function' : 'functions'} at ${host.url}`)
    if (!io.signal.aborted) await once(io.signal, 'abort')
    say('shutting down: waiting for what runs')
    await host.close()
    return 0
  },
}
