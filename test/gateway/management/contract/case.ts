import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { HostOptions } from '../../../../src/host.ts'
import type { InputOf, OutputOf } from '../../../../src/gateway/management/contract.ts'
import type { OperationName } from '../../../../src/gateway/management/model/model.ts'

/** What operations have answered so far in a group. */
export interface Seen {
  /** The last answer of the operation. Throws when there is none. */
  last<Name extends OperationName>(operation: Name): OutputOf<Name>
}

type Given<Input> = Input | ((seen: Seen) => Input)

interface Common {
  /** What the operation does or refuses in this case. */
  readonly what: string
  readonly operation: OperationName
  readonly input: Given<object>
}

/** A call that Lambda answers. */
export interface Works extends Common {
  readonly kind: 'works'
  /** Parts of the answer, as `toMatchObject` takes them. */
  readonly gives: object
  /** Only where an operation has several. */
  readonly status: number | undefined
}

/** A call that Lambda refuses. */
export interface Refuses extends Common {
  readonly kind: 'refuses'
  readonly error: string
  readonly message: RegExp
  /** The parameter for which it is refused, as its effect is not provided. */
  readonly parameter: string | undefined
}

/** What has to happen between calls. */
export interface Step {
  readonly kind: 'step'
  readonly what: string
  readonly run: (client: LambdaClient, seen: Seen) => Promise<unknown>
}

export type Case = Works | Refuses | Step

/** Cases on a host, one after the other: each finds what those before it have left. */
export interface Group {
  readonly title: string
  /** With a host of its own. Default: one for all groups. */
  readonly host?: Partial<HostOptions>
  readonly prepare?: (client: LambdaClient, endpoint: string) => Promise<unknown>
  readonly cases: readonly Case[]
}

export const works = <Name extends OperationName>(
  operation: Name,
  what: string,
  input: Given<InputOf<Name>>,
  gives: object = {},
  status?: number,
): Works => ({ kind: 'works', operation, what, input, gives, status })

/** Its parameters have the model's names, but any values. */
export const refuses = <Name extends OperationName>(
  operation: Name,
  error: string,
  what: string,
  input: Given<Partial<Record<keyof InputOf<Name>, unknown>>>,
  message: RegExp,
): Refuses => ({ kind: 'refuses', operation, what, input, error, message, parameter: undefined })

/** One case for each parameter: with it, a call that would work is refused, and the parameter is named. */
export const lacks = <Name extends OperationName>(
  operation: Name,
  base: Given<InputOf<Name>>,
  parameters: Partial<Record<keyof InputOf<Name>, unknown>>,
): readonly Refuses[] =>
  Object.entries(parameters).map(([parameter, value]) => ({
    kind: 'refuses',
    operation,
    what: `the parameter ${parameter}`,
    input: (seen) => ({ ...(typeof base === 'function' ? base(seen) : base), [parameter]: value }),
    error: 'InvalidParameterValueException',
    message: new RegExp(`\\b${parameter}\\b`),
    parameter,
  }))

export const step = (what: string, run: Step['run']): Step => ({ kind: 'step', what, run })
