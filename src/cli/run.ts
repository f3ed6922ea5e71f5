import { readFile } from 'node:fs/promises'
import { AmpouleError } from '../errors.ts'
import type { Command, Io } from './command.ts'
import { commandHelp, firstWord, groupHelp, overview, type Groups } from './help.ts'
import { parseCommandLine } from './parse.ts'

/** Runs one command line; gives the exit code of the error table (src/errors.ts), 0 for success. Never rejects. */
export async function runCommandLine(
  args: readonly string[],
  commands: readonly Command[],
  io: Io,
  groups: Groups = {},
): Promise<number> {
  try {
    const [first, second] = args
    if (first === undefined || first === '--help' || first === 'help') {
      io.stdout.write(overview(commands, groups))
      return 0
    }
    const isGroup = commands.every(({ name }) => name !== first) && commands.some(({ name }) => firstWord(name) === first)
    if (isGroup && second === '--help') {
      io.stdout.write(groupHelp(first, commands, groups))
      return 0
    }
    if (first === '--version') {
      io.stdout.write(`${await version()}\n`)
      return 0
    }
    const { command, help, input } = parseCommandLine(args, commands)
    if (help) {
      io.stdout.write(commandHelp(command, commands))
      return 0
    }
    return await command.run(input, io)
  } catch (error) {
    return report(error, io)
  }
}

function report(error: unknown, io: Io): number {
  // Interrupting is what was asked for, by whichever of the ways it comes back.
  if (io.signal.aborted && (error === io.signal.reason || (error instanceof AmpouleError && error.code === 'Cancelled')))
    return 130
  if (error instanceof AmpouleError) {
    io.stderr.write(`ampoule: ${error.message}\n`)
    if (error.kind.fault === 'host' && error.cause instanceof Error)
      io.stderr.write(`${error.cause.stack ?? error.cause.message}\n`)
    return error.kind.exitCode
  }
  io.stderr.write(`ampoule: internal error\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return new AmpouleError('Internal', '').kind.exitCode
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((manifest as { version: unknown }).version)
}
