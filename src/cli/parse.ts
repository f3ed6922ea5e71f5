import { parseArgs } from 'node:util'
import { AmpouleError } from '../errors.ts'
import { didYouMean } from '../functions/suggest.ts'
import type { Command, Input, Option, Value } from './command.ts'

/** What every command takes. */
export const COMMON_OPTIONS = { help: { type: 'boolean', about: 'Show this help.' } } as const

export interface Parsed {
  readonly command: Command
  readonly help: boolean
  readonly input: Input
}

/** Finds the command and reads its arguments. Throws `InvalidRequest` naming every mistake, with suggestions. */
export function parseCommandLine(args: readonly string[], commands: readonly Command[]): Parsed {
  const command = findCommand(args, commands)
  const options: Readonly<Record<string, Option>> = { ...command.options, ...COMMON_OPTIONS }
  const { tokens } = parseArgs({
    args: args.slice(command.name.split(' ').length),
    options: Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const mistakes: string[] = []
  const positionals: string[] = []
  const values: Record<string, Value | undefined> = {}
  for (const [name, option] of Object.entries(command.options)) if (option.default !== undefined) values[name] = option.default
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined) {
      const known = Object.keys(options).map((name) => `--${name}`)
      mistakes.push(`unknown option ${token.rawName}.${didYouMean(token.rawName, known)}`)
    } else if (option.type === 'string' && token.value === undefined)
      mistakes.push(`${token.rawName} needs a value: ${option.about}`)
    else if (option.type === 'boolean' && token.value !== undefined) mistakes.push(`${token.rawName} takes no value`)
    else if (option.repeats === true) values[token.name] = [...listOf(values[token.name]), token.value ?? '']
    else values[token.name] = token.value ?? true
  }
  const help = values['help'] === true
  if (!help) mistakes.push(...countMistakes(command, positionals))
  if (mistakes.length > 0)
    throw new AmpouleError('InvalidRequest', `${mistakes.join('\n')}\nSee "ampoule ${command.name} --help".`)
  return { command, help, input: { values, positionals } }
}

function findCommand(args: readonly string[], commands: readonly Command[]): Command {
  // Of `dev` and `dev queue send` the one that says more.
  const found = commands
    .filter(({ name }) => name.split(' ').every((word, index) => args[index] === word))
    .toSorted((a, b) => b.name.length - a.name.length)[0]
  if (found !== undefined) return found
  const [first = '', second] = args
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length > 0) {
    const wrong =
      second === undefined || second.startsWith('-')
        ? `"${first}" needs a command`
        : `unknown command "${first} ${second}".${didYouMean(
            `${first} ${second}`,
            group.map(({ name }) => name),
          )}`
    throw new AmpouleError('InvalidRequest', `${wrong}\nKnown: ${group.map(({ name }) => name).join(', ')}.`)
  }
  const words = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))]
  const what = first.startsWith('-') ? `unknown option ${first}` : `unknown command "${first}".${didYouMean(first, words)}`
  throw new AmpouleError('InvalidRequest', `${what}\nKnown: ${words.join(', ')}. See "ampoule --help".`)
}

function countMistakes({ positionals }: Command, given: readonly string[]): string[] {
  const required = positionals.filter((one) => one.required)
  const missing = required.slice(given.length).map(({ name, about }) => `${name} is missing: ${about}`)
  const repeats = positionals.some((one) => one.repeats === true)
  const extra = repeats ? [] : given.slice(positionals.length).map((value) => `unexpected argument ${JSON.stringify(value)}`)
  return [...missing, ...extra]
}

/** An option's value as an integer within the bounds. Throws `InvalidRequest`. */
export function integerOption(
  input: Input,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const text = input.values[name]
  if (typeof text !== 'string') return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new AmpouleError('InvalidRequest', `--${name} is ${JSON.stringify(text)}: it must be an integer from ${min} to ${max}`)
}

/** All that was given of an option that repeats. */
export const listOption = (input: Input, name: string): readonly string[] => listOf(input.values[name])

const listOf = (value: Value | undefined): readonly string[] => (typeof value === 'object' ? value : [])

export function textOption(input: Input, name: string): string | undefined {
  const value = input.values[name]
  return typeof value === 'string' ? value : undefined
}
