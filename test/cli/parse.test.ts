import { describe, expect, test } from 'vitest'
import type { Command } from '../../src/cli/command.ts'
import { commandHelp, overview } from '../../src/cli/help.ts'
import { integerOption, parseCommandLine } from '../../src/cli/parse.ts'

const command = (name: string, positionals: Command['positionals'] = []): Command => ({
  name,
  summary: `Does ${name}.`,
  positionals,
  options: {
    port: { type: 'string', value: 'N', about: 'The port.' },
    config: { type: 'string', value: 'FILE', about: 'The file.', default: 'a.jsonc' },
    dev: { type: 'boolean', about: 'Development.' },
  },
  run: () => Promise.resolve(0),
})
const NAME = { name: 'NAME', about: 'the function', required: true }
const commands = [
  command('serve'),
  command('invoke', [NAME]),
  command('build', [{ ...NAME, required: false, repeats: true }]),
  command('module inspect'),
  command('module instrument'),
]
const parse = (...args: string[]) => parseCommandLine(args, commands)
const mistake = (...args: string[]): string => {
  try {
    parse(...args)
  } catch (error) {
    expect(error).toMatchObject({ code: 'InvalidRequest', kind: { exitCode: 2 } })
    return (error as Error).message
  }
  return ''
}

describe('a command line', () => {
  test('gives values and positionals, with defaults for what is left out', () => {
    const { command, input } = parse('invoke', '--port', '1', 'hello', '--dev')
    expect(command.name).toBe('invoke')
    expect(input).toEqual({ values: { config: 'a.jsonc', port: '1', dev: true }, positionals: ['hello'] })
    expect(parse('serve', '--config=b').input.values).toEqual({ config: 'b' })
  })

  test('may name a command of two words', () => {
    expect(parse('module', 'inspect').command.name).toBe('module inspect')
  })

  test('may take any number of arguments where the command says so', () => {
    expect(parse('build').input.positionals).toEqual([])
    expect(parse('build', 'a', 'b').input.positionals).toEqual(['a', 'b'])
  })

  test('may hold data that begins with a dash after =', () => {
    expect(parse('serve', '--config=-').input.values['config']).toBe('-')
    expect(parse('serve', '--config', '-').input.values['config']).toBe('-')
  })

  test('with --help asks for help, whatever is missing', () => {
    expect(parse('invoke', '--help').help).toBe(true)
  })
})

describe('a mistake on the command line', () => {
  test('in the command is answered with the nearest command', () => {
    expect(mistake('serv')).toContain('unknown command "serv". Did you mean "serve"?')
    expect(mistake('module', 'inspct')).toContain('Did you mean "module inspect"?')
    expect(mistake('module')).toContain('"module" needs a command')
    expect(mistake('--dve')).toContain('unknown option --dve')
  })

  test('in an option is answered with the nearest option', () => {
    expect(mistake('serve', '--prot', '1')).toContain('unknown option --prot. Did you mean "--port"?')
  })

  test('does not hide the others', () => {
    const message = mistake('invoke', '--prot', '--dev=1', '--port')
    expect(message.split('\n')).toEqual([
      expect.stringContaining('unknown option --prot'),
      '--dev takes no value',
      '--port needs a value: The port.',
      'NAME is missing: the function',
      'See "ampoule invoke --help".',
    ])
  })

  test('is an argument too many', () => {
    expect(mistake('invoke', 'a', 'b')).toContain('unexpected argument "b"')
  })

  test.each(['', 'x', '-1', '1.5', '65536', '1e3', '0x10'])('is the port %j', (port) => {
    const { input } = parse('serve', `--port=${port}`)
    expect(() => integerOption(input, 'port', { min: 0, max: 65_535 })).toThrow('--port is')
  })
})

describe('the help', () => {
  test('lists every command with its summary', () => {
    for (const { name, summary } of commands) {
      expect(overview(commands)).toContain(name)
      expect(overview(commands)).toContain(summary)
    }
  })

  test('of a command says its usage, every option and the defaults', () => {
    const help = commandHelp(commands[1] ?? command(''))
    expect(help).toContain('Usage: ampoule invoke NAME [OPTIONS]')
    expect(help).toMatch(/--port N +The port\./)
    expect(help).toMatch(/--config FILE +The file\. Default: a\.jsonc\./)
  })
})
