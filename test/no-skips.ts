import type { Reporter, TestCase } from 'vitest/node'

/** With `CI=true` a skipped test is a failure: what a machine lacks must be said, not passed over. */
export class NoSkips implements Reporter {
  readonly #skipped: string[] = []

  onTestCaseResult(test: TestCase): void {
    if (test.result().state === 'skipped') this.#skipped.push(test.fullName)
  }

  onTestRunEnd(): void {
    if (this.#skipped.length === 0) return
    for (const name of this.#skipped) process.stderr.write(`skipped: ${name}\n`)
    if (process.env['CI'] === 'true') process.exitCode = 1
  }
}
