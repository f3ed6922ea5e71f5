import { AmpouleError } from '../errors.ts'

/** One mistake in a configuration, at the place where it is (both counted from 1). */
export interface Problem {
  readonly line: number
  readonly column: number
  /** What is wrong, what is allowed, what may have been meant. Never holds values of environment variables. */
  readonly message: string
}

/** Every mistake of one file at once. Code `InvalidConfiguration`, exit code 2. */
export class ConfigurationError extends AmpouleError {
  override readonly name = 'ConfigurationError'
  readonly file: string
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map(({ line, column, message }) => `${file}:${line}:${column} ${message}`)
    super(
      'InvalidConfiguration',
      `${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'} in the configuration\n${lines.join('\n')}`,
    )
    this.file = file
    this.problems = problems
  }
}

/** Collects mistakes by offset and gives them in the order of the text. */
export class Problems {
  readonly #text: string
  readonly #found: { readonly offset: number; readonly message: string }[] = []

  constructor(text: string) {
    this.#text = text
  }

  add(offset: number, message: string): void {
    this.#found.push({ offset, message })
  }

  list(): readonly Problem[] {
    return this.#found
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ offset, message }) => {
        const before = this.#text.slice(0, offset).split(/\r\n|\r|\n/)
        return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message }
      })
  }
}
