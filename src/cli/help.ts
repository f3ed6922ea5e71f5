import type { Command, Option } from './command.ts'
import { COMMON_OPTIONS } from './parse.ts'

/** First words of several commands, with what these are about: the overview shows each group as one line. */
export type Groups = Readonly<Record<string, string>>

/** `ampoule --help`. */
export function overview(commands: readonly Command[], groups: Groups = {}): string {
  const alone = commands.filter(({ name }) => !Object.hasOwn(groups, firstWord(name)))
  const grouped = Object.entries(groups).map(([group, about]): [string, string] => {
    const own = commands.filter(({ name }) => firstWord(name) === group).map(({ name }) => name.slice(group.length + 1))
    return [`${group} ${own.join('|')}`, about]
  })
  return [
    'ampoule: a self-hosted function host; every invocation runs in its own WebAssembly sandbox.',
    '',
    'Usage: ampoule COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...columns([...alone.map((command): [string, string] => [usage(command), command.summary]), ...grouped]),
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
    return [`--${name}${value}${option.repeats === true ? ' …' : ''}`, `${option.about}${otherwise}`]
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

/** `ampoule GROUP --help`. */
export function groupHelp(group: string, commands: readonly Command[], groups: Groups): string {
  const own = commands.filter(({ name }) => firstWord(name) === group)
  return [
    ...(groups[group] === undefined ? [] : [groups[group], '']),
    `Usage: ampoule ${group} COMMAND [OPTIONS]`,
    '',
    'Commands:',
    ...columns(own.map((command): [string, string] => [usage(command), command.summary])),
    '',
  ].join('\n')
}

export const firstWord = (name: string): string => name.split(' ')[0] ?? name

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
