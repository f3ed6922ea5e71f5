import { HOST_FIELDS } from '../functions/settings.ts'
import type { Input } from './command.ts'
import { integerOption, textOption } from './parse.ts'

export const CONFIG_OPTION = { type: 'string', value: 'FILE', about: 'The configuration.', default: 'ampoule.jsonc' } as const

/** Path of the configuration, as given or by default. */
export const configPath = (input: Input): string => textOption(input, 'config') ?? CONFIG_OPTION.default

/** Of every command that listens. */
export const LISTEN_OPTIONS = {
  config: CONFIG_OPTION,
  port: { type: 'string', value: 'N', about: "Port to listen on, instead of the configuration's; 0 takes a free one." },
  host: { type: 'string', value: 'H', about: "Address to listen on, instead of the configuration's." },
} as const

export const JSON_LOGS_OPTION = {
  type: 'boolean',
  about: 'Log JSON, one record per line: what functions log and how each invocation ended.',
} as const

/** What was given of {@link LISTEN_OPTIONS}: `port` and `host` are missing where the configuration's count. */
export function listenOptions(input: Input): { readonly config: string; readonly port?: number; readonly host?: string } {
  const port = integerOption(input, 'port', HOST_FIELDS.port)
  const host = textOption(input, 'host')
  return {
    config: configPath(input),
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
  }
}
