import { OPERATIONS, shapeOf, type OperationName } from '../../../../src/gateway/management/model/model.ts'

export const ACCOUNT = '000000000000'
export const PREFIX = `arn:aws:lambda:us-east-1:${ACCOUNT}`

/** How Lambda's API reference has names of functions: the name, partial ARNs and the whole one. */
export const FORMS: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => `${PREFIX}:function:${name}`,
  (name) => `${ACCOUNT}:function:${name}`,
  (name) => `function:${name}`,
]

export const membersOf = (operation: OperationName): NonNullable<ReturnType<typeof shapeOf>['members']> =>
  shapeOf(OPERATIONS[operation].input ?? '').members ?? {}

/** The same input, with the function, layer or version named in the way whose turn it is. */
export function inAnotherForm(
  operation: OperationName,
  input: Readonly<Record<string, unknown>>,
  turn: number,
): Readonly<Record<string, unknown>> {
  const { FunctionName, LayerName, Qualifier } = input
  if (typeof LayerName === 'string' && turn % 2 === 1) return { ...input, LayerName: `${PREFIX}:layer:${LayerName}` }
  if (typeof FunctionName !== 'string' || FunctionName.includes(':')) return input
  const required = shapeOf(OPERATIONS[operation].input ?? '').required?.includes('Qualifier') === true
  if (typeof Qualifier === 'string' && !required && turn % 2 === 1) {
    const { Qualifier: _, ...rest } = input
    return { ...rest, FunctionName: `${formOf(turn)(FunctionName)}:${Qualifier}` }
  }
  return { ...input, FunctionName: formOf(turn)(FunctionName) }
}

const formOf = (turn: number): ((name: string) => string) => FORMS[turn % FORMS.length] ?? ((name) => name)
