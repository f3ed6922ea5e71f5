import { AmpouleError } from '../errors.ts'
import { didYouMean } from '../functions/suggest.ts'
import type { FunctionSettings } from '../functions/settings.ts'
import type { Command } from './command.ts'
import { textOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'
import { CONFIG_OPTION } from './serve.ts'

export const build: Command = {
  name: 'build',
  summary: 'Build and compile functions without serving them; what is up to date is left alone.',
  positionals: [
    { name: 'NAME', about: 'Functions to build; all of the configuration when left out.', required: false, repeats: true },
  ],
  options: { config: CONFIG_OPTION, json: { type: 'boolean', about: 'Print the result as JSON.' } },
  async run(input, io) {
    const { deployFunctions, loadConfiguration } = await import('../deploy.ts')
    const config = textOption(input, 'config') ?? 'ampoule.jsonc'
    const configuration = await loadConfiguration(config)
    const functions =
      input.positionals.length === 0
        ? configuration.functions
        : input.positionals.map((name) => pick(configuration.functions, name))
    const deployed = await deployFunctions(functions, configuration, {
      onProgress: deployProgress(io, functions.length),
      signal: io.signal,
    }).finally(() => clearProgress(io))
    const results = deployed.map(({ artifact, spec }) => ({
      name: spec.name,
      artifact: artifact.id,
      componentBytes: artifact.meta.componentBytes,
      imports: artifact.meta.imports,
      exports: artifact.meta.exports,
    }))
    if (input.values['json'] === true) io.stdout.write(`${JSON.stringify({ functions: results })}\n`)
    else {
      for (const { name, componentBytes } of results) io.stdout.write(`${name}  ${(componentBytes / 1048576).toFixed(2)} MiB\n`)
      io.stderr.write(`next: ampoule serve --config ${config}\n`)
    }
    return 0
  },
}

/** The function of that name. Throws `FunctionNotFound` with a suggestion. */
export function pick(functions: readonly FunctionSettings[], name: string): FunctionSettings {
  const found = functions.find((one) => one.name === name)
  if (found !== undefined) return found
  const names = functions.map((one) => one.name)
  throw new AmpouleError(
    'FunctionNotFound',
    `there is no function "${name}" in the configuration.${didYouMean(name, names)} Known: ${names.join(', ') || 'none'}.`,
  )
}
