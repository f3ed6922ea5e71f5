import type { Command, Option } from './command.ts'
import { COMMON_OPTIONS } from './parse.ts'

/** `ampoule --help`. */
export function overview(commands: readonly Command[]): string {
  return [
    'ampoule: a self-hosted function host; every invocation runs in its own WebAssembly sandbox.',
    '',
    'Usage: ampoule COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...columns(commands.map((command) => [usage(command), command.summary])),
    '',
    'Options:',
    ...columns([
      ['--help', "Show this help, or a command's after its name."],
      ['--version', 'Show the version.'],
    ]),
    '',
  ].join('\n')
}

/** `ampoule COMMAND --help`; `commands` are all, of which some may belong to this one (`dev queue send` to `dev`). */
export function commandHelp(command: Command, commands: readonly Command[] = []): string {
  const all: Readonly<Record<string, Option>> = { ...command.options, ...COMMON_OPTIONS }
  const options = Object.entries(all).map(([name, option]): [string, string] => {
    const value = option.value === undefined ? '' : ` ${option.value}`
    const otherwise = option.default === undefined ? '' : ` Default: ${option.default}.`
    return [`--${name}${value}`, `${option.about}${otherwise}`]
  })
  const below = commands.filter(({ name }) => name.startsWith(`${command.name} `))
  const positionals = command.positionals.map(({ name, about }): [string, string] => [name, about])
  return [
    command.summary,
    '',
    `Usage: ampoule ${usage(command)} [OPTIONS]`,
    ...(below.length > 0 ? ['', 'Commands:', ...columns(below.map((one) => [usage(one), one.summary]))] : []),
    ...(positionals.length > 0 ? ['', 'Arguments:', ...columns(positionals)] : []),
    '',
    'Options:',
    ...columns(options),
    '',
  ].join('\n')
}

function usage({ name, positionals }: Command): string {
  return [
    name,
    ...positionals.map((one) => `${one.required ? one.name : `[${one.name}]`}${one.repeats === true ? '…' : ''}`),
  ].join(' ')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
