import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Deployment } from '../deploy.ts'
import { AmpouleError } from '../errors.ts'
import { didYouMean } from '../functions/suggest.ts'
import type { FunctionSettings } from '../functions/settings.ts'
import type { Command } from './command.ts'
import { textOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'
import { CONFIG_OPTION, configPath } from './listen-options.ts'

export const build: Command = {
  name: 'build',
  summary: 'Build functions and run what runs at their start, without serving them; what is up to date is left alone.',
  positionals: [
    { name: 'NAME', about: 'Functions to build; all of the configuration when left out.', required: false, repeats: true },
  ],
  options: {
    config: CONFIG_OPTION,
    component: {
      type: 'string',
      value: 'DIR',
      about:
        'Write every function to DIR/NAME.wasm, for other hosts: functions in JavaScript with their engine, which they otherwise share.',
    },
    json: { type: 'boolean', about: 'Print the result as JSON.' },
  },
  async run(input, io) {
    const [{ deployFunctions, explainDeployment, loadConfiguration }, { LocalEngines }] = await Promise.all([
      import('../deploy.ts'),
      import('../local.ts'),
    ])
    const target = textOption(input, 'component')
    const config = configPath(input)
    const configuration = await loadConfiguration(config)
    const functions =
      input.positionals.length === 0
        ? configuration.functions
        : input.positionals.map((name) => pick(configuration.functions, name))
    const took = new Map<string, number>()
    const show = deployProgress(io, functions.length)
    const deployed = await deployFunctions(functions, configuration, {
      onProgress: (progress) => {
        if (progress.stage === 'done') took.set(progress.function, progress.ms)
        show(progress)
      },
      signal: io.signal,
      selfContained: target !== undefined,
    }).finally(() => clearProgress(io))
    const engines = new LocalEngines()
    try {
      for (const one of deployed) {
        if (one.artifact.script === undefined) continue
        const started = performance.now()
        engines.release(await engines.prepare(one))
        took.set(one.spec.name, (took.get(one.spec.name) ?? 0) + performance.now() - started)
      }
    } catch (error) {
      throw await explainDeployment(error, deployed)
    } finally {
      await engines.close()
    }
    if (target !== undefined) await writeComponents(target, deployed)
    const results = deployed.map(({ artifact, spec }) => ({
      name: spec.name,
      artifact: artifact.id,
      componentBytes: artifact.meta.componentBytes,
      /** Of a function that is a script for an engine; then the component is the engine's. */
      scriptBytes: artifact.script?.bytes.length ?? null,
      imports: artifact.meta.imports,
      exports: artifact.meta.exports,
      /** What was up to date counts as well: it had to be looked at. */
      ms: Math.round(took.get(spec.name) ?? 0),
    }))
    if (input.values['json'] === true) io.stdout.write(`${JSON.stringify({ functions: results })}\n`)
    else {
      const width = Math.max(...results.map(({ name }) => name.length))
      for (const { name, componentBytes, scriptBytes, ms } of results)
        io.stdout.write(`${name.padEnd(width)}  ${size(scriptBytes ?? componentBytes).padStart(9)}  ${duration(ms)}\n`)
      io.stderr.write(`next: ampoule serve --config ${config}\n`)
    }
    return 0
  },
}

const size = (bytes: number): string => (bytes < 1e6 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(2)} MiB`)

const duration = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`)

async function writeComponents(folder: string, deployed: readonly Deployment[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { spec, component } of deployed)
    if (component !== undefined) await copyFile(component, join(folder, `${spec.name}.wasm`))
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
