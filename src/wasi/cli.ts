import { Kind, type Resource } from './handles.ts'
import type { Host } from './host.ts'
import { plain, type HostFunction, type HostInterface } from './interface.ts'
import { EndedInput } from './io/ended.ts'
import { DIRECT_PERMIT, OutputStream } from './io/streams.ts'
import type { SavedResource } from './state.ts'
import { trap } from './trap.ts'

/** The guest asked to end (wasi:cli/exit): unwinds it. The host answers nothing more until the next restore. */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  /** 0 for success. */
  readonly code: number

  constructor(code: number) {
    super(`the guest exited with status ${code}`)
    this.code = code
  }
}

/** stdout or stderr: straight into the invocation's log. */
export class LogOutput extends OutputStream {
  readonly name: 'stdout' | 'stderr'
  readonly #host: Host

  constructor(name: 'stdout' | 'stderr', host: Host) {
    super()
    this.name = name
    this.#host = host
  }

  override permit(): number {
    return DIRECT_PERMIT
  }
  override write(bytes: Uint8Array): undefined {
    this.#host.environment.log(this.name, bytes)
  }
  override end(): undefined {
    return undefined
  }
  override describe(): SavedResource {
    return { type: 'log-output', name: this.name }
  }
}

const TERMINAL_INPUT: Kind<Resource> = new Kind('terminal-input')
const TERMINAL_OUTPUT: Kind<Resource> = new Kind('terminal-output')

/** option<own<terminal-…>>: none. */
const noTerminal: HostFunction = plain((_host, memory) => (result: number) => {
  memory.area(result, 8, 4).u8(0, 0)
})

function only(name: string, fn: HostFunction): HostInterface {
  return { resources: {}, functions: { [name]: fn } }
}

const environment: HostInterface = {
  resources: {},
  functions: {
    'get-environment': plain((host, memory) => (result: number) => {
      memory.putStrings(result, host.environment.variables.flat(), 2)
    }),
    'get-arguments': plain((host, memory) => (result: number) => {
      memory.putStrings(result, host.environment.args)
    }),
    'initial-cwd': plain((_host, memory) => (result: number) => {
      memory.putString(result + 4, '/tmp')
      memory.area(result, 12, 4).u8(0, 1)
    }),
  },
}

const exit: HostInterface = {
  resources: {},
  functions: {
    exit: plain(() => (status: number) => {
      if (status >>> 0 > 1) trap(`result discriminant ${status >>> 0}`)
      throw new ExitError(status)
    }),
    'exit-with-code': plain(() => (code: number) => {
      throw new ExitError(code & 0xff)
    }),
  },
}

/** wasi:cli 0.2. */
export const cliInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:cli/environment': environment,
  'wasi:cli/exit': exit,
  'wasi:cli/stdin': only(
    'get-stdin',
    plain((host) => () => host.table.add(new EndedInput())),
  ),
  'wasi:cli/stdout': only(
    'get-stdout',
    plain((host) => () => host.table.add(new LogOutput('stdout', host))),
  ),
  'wasi:cli/stderr': only(
    'get-stderr',
    plain((host) => () => host.table.add(new LogOutput('stderr', host))),
  ),
  'wasi:cli/terminal-input': { resources: { 'terminal-input': TERMINAL_INPUT }, functions: {} },
  'wasi:cli/terminal-output': { resources: { 'terminal-output': TERMINAL_OUTPUT }, functions: {} },
  'wasi:cli/terminal-stdin': only('get-terminal-stdin', noTerminal),
  'wasi:cli/terminal-stdout': only('get-terminal-stdout', noTerminal),
  'wasi:cli/terminal-stderr': only('get-terminal-stderr', noTerminal),
}
