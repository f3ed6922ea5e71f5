import type { Readable, Writable } from 'node:stream'

/** What a command may touch of the process. */
export interface Io {
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly about: string
  /** What stands for the value in the help; only with `string`. */
  readonly value?: string
  readonly default?: string
  /** May be given several times; its value is the list of them. Only with `string`, without default. */
  readonly repeats?: boolean
}

/** A list where the option repeats. */
export type Value = string | boolean | readonly string[]

export interface Input {
  /** Names as in `options`; absent: not given and without default. */
  readonly values: Readonly<Record<string, Value | undefined>>
  readonly positionals: readonly string[]
}

/** A command as data: what the help says and what the parser accepts come from here. */
export interface Command {
  /** One or two words. */
  readonly name: string
  readonly summary: string
  readonly positionals: readonly {
    readonly name: string
    readonly about: string
    readonly required: boolean
    readonly repeats?: boolean
  }[]
  readonly options: Readonly<Record<string, Option>>
  /** Gives the exit code; an `AmpouleError` is printed and ends with the code of its kind. */
  run(input: Input, io: Io): Promise<number>
}
