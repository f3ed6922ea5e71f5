import type { Command } from './command.ts'

const JSON_OPTION = { json: { type: 'boolean', about: 'Print the result as JSON.' } } as const

export const moduleInstrument: Command = {
  name: 'module instrument',
  summary: 'Add fuel, memory limits and restorable state to a core module, or to every .wasm below a folder.',
  positionals: [
    { name: 'IN', about: 'A core module or a folder.', required: true },
    { name: 'OUT', about: 'The file or folder to write.', required: true },
  ],
  options: JSON_OPTION,
  async run({ positionals: [from = '', to = ''], values }, io) {
    const { instrument } = await import('./module.ts')
    await instrument(from, to, { json: values['json'] === true, out: io.stdout, progress: io.stderr })
    return 0
  },
}

export const moduleInspect: Command = {
  name: 'module inspect',
  summary: 'Show what a core module or a component imports, exports, uses and weighs.',
  positionals: [{ name: 'FILE', about: 'The core module or component.', required: true }],
  options: JSON_OPTION,
  async run({ positionals: [file = ''], values }, io) {
    const { inspect } = await import('./inspect.ts')
    await inspect(file, { json: values['json'] === true, out: io.stdout })
    return 0
  },
}
