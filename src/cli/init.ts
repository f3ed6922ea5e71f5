import { basename, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { AmpouleError } from '../errors.ts'
import { didYouMean } from '../functions/suggest.ts'
import type { Command, Io } from './command.ts'
import { textOption } from './parse.ts'

export const init: Command = {
  name: 'init',
  summary: 'Start a new project from a template; nothing that is there is overwritten.',
  positionals: [{ name: 'DIR', about: 'Folder of the project; the current one when left out.', required: false }],
  options: {
    template: { type: 'string', value: 'NAME', about: 'The template; without it they are listed, on a terminal to choose from.' },
    json: { type: 'boolean', about: 'Print the result as JSON.' },
  },
  async run(input, io) {
    const { createProject, listTemplates } = await import('../init/project.ts')
    const templates = await listTemplates()
    const names = templates.map(({ name }) => name)
    const asked = textOption(input, 'template') ?? (await choose(templates, io))
    if (asked === undefined) {
      const rows = templates.map(({ name, about }) => `  ${name.padEnd(16)}  ${about}`)
      io.stderr.write(
        `Templates:\n${rows.join('\n')}\n\nnext: ampoule init ${input.positionals[0] ?? 'DIR'} --template ${names[0] ?? 'NAME'}\n`,
      )
      return new AmpouleError('InvalidRequest', '').kind.exitCode
    }
    const template = templates.find(({ name }) => name === asked)
    if (template === undefined)
      throw new AmpouleError(
        'InvalidRequest',
        `there is no template "${asked}".${didYouMean(asked, names)} Known: ${names.join(', ')}.`,
      )
    const folder = resolve(input.positionals[0] ?? '.')
    const files = await createProject(template, folder, basename(folder))
    const next = [...(folder === process.cwd() ? [] : [`cd ${shown(folder)}`]), ...template.next]
    if (input.values['json'] === true) io.stdout.write(`${JSON.stringify({ folder, template: template.name, files, next })}\n`)
    else
      io.stdout.write(
        `${template.title} project in ${shown(folder)}: ${files.join(', ')}\n\nNext:\n${next.map((one) => `  ${one}\n`).join('')}`,
      )
    return 0
  },
}

function shown(folder: string): string {
  const path = relative(process.cwd(), folder)
  return path === '' ? '.' : path.startsWith('..') ? folder : path
}

/** Asks whoever sits before a terminal; undefined: nobody does. */
async function choose(
  templates: readonly { readonly name: string; readonly about: string }[],
  { stdin, stdout, signal }: Io,
): Promise<string | undefined> {
  if (stdout.isTTY !== true || !('isTTY' in stdin) || stdin.isTTY !== true) return undefined
  const rows = templates.map(({ name, about }, index) => `  ${String(index + 1).padStart(2)}  ${name.padEnd(16)}  ${about}\n`)
  stdout.write(`Which template?\n\n${rows.join('')}\n`)
  const lines = createInterface({ input: stdin, output: stdout })
  try {
    for (;;) {
      const answer = (await lines.question(`Number or name [1]: `, { signal })).trim() || '1'
      const found = templates[Number(answer) - 1]?.name ?? templates.find(({ name }) => name === answer)?.name
      if (found !== undefined) return found
      stdout.write(`There is no template ${JSON.stringify(answer)}.\n`)
    }
  } finally {
    lines.close()
  }
}
