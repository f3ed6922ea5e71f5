import type { OperationName } from '../../../../src/gateway/management/model/model.ts'

export interface Entry {
  /** Cases in which it did what it is for. */
  works: number
  /** Errors that it answered. */
  readonly errors: Set<string>
  /** Parameters that were given where it worked. */
  readonly used: Set<string>
  /** Parameters that it refused by name. */
  readonly refused: Set<string>
  /** Of a case that worked. */
  example: Readonly<Record<string, unknown>> | undefined
  /** Whether the `aws` CLI got an answer. */
  cli: boolean
}

/** What has been seen of every operation by the tests that ran. The page is made of it. */
export class Ledger {
  readonly #entries = new Map<string, Entry>()

  of(operation: OperationName): Entry {
    const found = this.#entries.get(operation)
    if (found !== undefined) return found
    const entry: Entry = { works: 0, errors: new Set(), used: new Set(), refused: new Set(), example: undefined, cli: false }
    this.#entries.set(operation, entry)
    return entry
  }
}
