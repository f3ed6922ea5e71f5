import { once } from 'node:events'
import { ReadStream } from 'node:tty'
import { AmpouleError } from '../errors.ts'
import type { Command, Io } from './command.ts'
import { JSON_LOGS_OPTION, LISTEN_OPTIONS, listenOptions } from './listen-options.ts'

export const dev: Command = {
  name: 'dev',
  summary: 'Serve the functions while you write them: what you save is served at once, errors come with file and line.',
  positionals: [],
  options: {
    ...LISTEN_OPTIONS,
    open: { type: 'boolean', about: 'Open the index in the browser.' },
    json: JSON_LOGS_OPTION,
  },
  async run(input, io) {
    const [{ startDev }, { formatEvent, formatOverview }] = await Promise.all([
      import('../dev/server.ts'),
      import('../dev/screen.ts'),
    ])
    const json = input.values['json'] === true
    const style = { plain: io.stdout.isTTY !== true }
    // With --json standard output holds records only.
    const say = (text: string) => (json ? io.stderr : io.stdout).write(`${text}\n`)
    const server = await startDev({
      ...listenOptions(input),
      logs: json ? 'json' : style.plain ? 'terminal' : 'colours',
      onEvent: (event) => say(formatEvent(event, style)),
    })
    const terminal = io.stdin instanceof ReadStream && !json ? io.stdin : undefined
    say(formatOverview(server, style, terminal !== undefined))
    const quit = new AbortController()
    const stop = terminal === undefined ? () => undefined : await keys(terminal, io, server, style, () => quit.abort())
    if (input.values['open'] === true) await open(server.url, say)
    const ended = AbortSignal.any([io.signal, quit.signal])
    if (!ended.aborted) await once(ended, 'abort')
    stop()
    await server.close()
    return 0
  },
}

type Server = Awaited<ReturnType<typeof import('../dev/server.ts').startDev>>

async function keys(
  stdin: ReadStream,
  io: Io,
  server: Server,
  style: { readonly plain: boolean },
  quit: () => void,
): Promise<() => void> {
  const [{ listenToKeys }, { askDev }, { formatKeys, formatOverview }] = await Promise.all([
    import('../dev/keys.ts'),
    import('../dev/client.ts'),
    import('../dev/screen.ts'),
  ])
  const say = (text: string) => io.stdout.write(`${text}\n`)
  return listenToKeys(stdin, {
    r: () => {
      askDev(server.url, '/again').catch((error: unknown) => say(error instanceof AmpouleError ? error.message : String(error)))
    },
    o: () => void open(server.url, say),
    c: () => io.stdout.write(`\u001B[2J\u001B[3J\u001B[H${formatOverview(server, style, true)}\n`),
    h: () => say(`\n  ${formatKeys(style)}\n`),
    q: quit,
    return: () => say(''),
  })
}

async function open(url: string, say: (text: string) => void): Promise<void> {
  const { openBrowser } = await import('../dev/open.ts')
  if (!(await openBrowser(url))) say(`no browser could be opened: go to ${url}`)
}
