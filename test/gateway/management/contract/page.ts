import type { OperationName } from '../../../../src/gateway/management/model/model.ts'
import { PARTIAL } from './declared.ts'
import type { Ledger } from './ledger.ts'

const HEAD = `# Compatibility with AWS Lambda's API

Made by \`test/gateway/management/contract/\`, which calls a host with the AWS SDK for JavaScript and the \`aws\` command line:
\`UPDATE=1 npm test -- test/gateway/management/contract\` writes it, and without \`UPDATE\` the test fails where it is out of date. An operation
is supported when its calls have worked. Errors are those that the tests have brought about; all of them have the names, statuses and classes of the SDK.
Parameters that are refused are answered with \`InvalidParameterValueException\`, which names them.
`

const list = (names: Iterable<string>): string =>
  [...names]
    .toSorted()
    .map((name) => `\`${name}\``)
    .join(', ')

/** The page, of what has been seen. `refused`: how operations were answered that there are not. */
export function formatPage(offered: readonly OperationName[], ledger: Ledger, refused: ReadonlyMap<string, string>): string {
  const rows = offered.map((name) => {
    const { works, errors, refused: parameters, cli } = ledger.of(name)
    const missing = PARTIAL[name]
    const state =
      works === 0 && missing === undefined ? 'not tested' : missing === undefined ? 'supported' : `partial: ${missing}`
    return `| ${name} | ${state} | ${cli ? 'yes' : ''} | ${list(errors)} | ${list(parameters)} |`
  })
  return `${HEAD}
| operation | state | \`aws\` | errors | parameters that are refused |
| --- | --- | --- | --- | --- |
${rows.toSorted().join('\n')}

## Operations that are refused

| operation | answer |
| --- | --- |
${[...refused]
  .map(([name, answer]) => `| ${name} | \`${answer}\` |`)
  .toSorted()
  .join('\n')}
`
}
