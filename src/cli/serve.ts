import { once } from 'node:events'
import { HOST_FIELDS } from '../functions/settings.ts'
import { formatJson } from '../observe/format.ts'
import type { Command } from './command.ts'
import { JSON_LOGS_OPTION, LISTEN_OPTIONS, listenOptions } from './listen-options.ts'
import { integerOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Build and serve the functions of the configuration.',
  positionals: [],
  options: {
    ...LISTEN_OPTIONS,
    lanes: { type: 'string', value: 'N', about: "Worker threads, instead of the configuration's; one per core by default." },
    dev: { type: 'boolean', about: 'Development: error details, server-timing, an index at /, a line per invocation.' },
    json: JSON_LOGS_OPTION,
  },
  async run(input, io) {
    // Loaded only when the command runs: help and mistakes answer at once.
    const [{ startHost }, { loadConfiguration }] = await Promise.all([import('../host.ts'), import('../deploy.ts')])
    const listen = listenOptions(input)
    const lanes = integerOption(input, 'lanes', HOST_FIELDS.lanes)
    const json = input.values['json'] === true
    const { functions } = await loadConfiguration(listen.config)
    const host = await startHost({
      ...listen,
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
    if (!io.signal.aborted) await once(io.signal, 'abort')
    say('shutting down: waiting for what runs')
    await host.close()
    return 0
  },
}
