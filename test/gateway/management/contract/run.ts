import * as sdk from '@aws-sdk/client-lambda'
import { expect } from 'vitest'
import type { OutputOf } from '../../../../src/gateway/management/contract.ts'
import { OPERATIONS, shapeOf, type OperationName } from '../../../../src/gateway/management/model/model.ts'
import lambda from '../../../../src/gateway/management/model/lambda.json' with { type: 'json' }
import type { Case, Refuses, Seen, Works } from './case.ts'
import type { Ledger } from './ledger.ts'
import { inAnotherForm } from './names.ts'

interface Answer {
  readonly $metadata: { readonly httpStatusCode?: number }
}

/** Errors of Lambda's front that its service model does not have. */
const OF_THE_FRONT: Readonly<Record<string, number>> = { ValidationException: 400, UnknownOperationException: 404 }

export const statusOf = (error: string): number | undefined =>
  Object.hasOwn(lambda.shapes, error) ? shapeOf(error).status : OF_THE_FRONT[error]

/** Calls an operation by its name with the SDK. */
export function call(client: sdk.LambdaClient, operation: OperationName, input: object): Promise<Answer> {
  const Command = Reflect.get(sdk, `${operation}Command`) as new (input: object) => sdk.ListFunctionsCommand
  return client.send(new Command(input))
}

/** Runs the cases of a group, and keeps account of them. */
export class Run implements Seen {
  readonly #client: sdk.LambdaClient
  readonly #ledger: Ledger
  readonly #last = new Map<OperationName, Answer>()

  constructor(client: sdk.LambdaClient, ledger: Ledger) {
    this.#client = client
    this.#ledger = ledger
  }

  last<Name extends OperationName>(operation: Name): OutputOf<Name> {
    const found = this.#last.get(operation)
    if (found === undefined) throw new Error(`${operation} has not been called`)
    return found as unknown as OutputOf<Name>
  }

  async run(one: Case): Promise<void> {
    switch (one.kind) {
      case 'works':
        return this.#works(one)
      case 'refuses':
        return this.#refuses(one)
      case 'step':
        await one.run(this.#client, this)
        return
      default:
        return one satisfies never
    }
  }

  async #works({ operation, input, gives, status }: Works): Promise<void> {
    const entry = this.#ledger.of(operation)
    const given = this.#given(input)
    const answer = await call(this.#client, operation, inAnotherForm(operation, given, entry.works))
    checkAnswer(answer, gives, status ?? OPERATIONS[operation].status)
    this.#last.set(operation, answer)
    entry.works++
    entry.example ??= given
    for (const [name, value] of Object.entries(given)) if (value !== undefined) entry.used.add(name)
  }

  async #refuses({ operation, input, error, message, parameter }: Refuses): Promise<void> {
    const given = this.#given(input)
    const refusal = await refusalOf(call(this.#client, operation, given))
    checkRefusal(refusal, error, message)
    const entry = this.#ledger.of(operation)
    entry.errors.add(error)
    if (parameter !== undefined) entry.refused.add(parameter)
  }

  #given(input: Works['input']): Record<string, unknown> {
    return { ...((typeof input === 'function' ? input(this) : input) as Record<string, unknown>) }
  }
}

function checkAnswer(answer: Answer, gives: object, status: number): void {
  expect(answer).toMatchObject(gives)
  expect(answer.$metadata.httpStatusCode).toBe(status)
}

function checkRefusal(refusal: Refusal, error: string, message: RegExp): void {
  expect(refusal).toMatchObject({ name: error, $fault: 'client' })
  expect(refusal.message).toMatch(message)
  expect(refusal.$metadata?.httpStatusCode).toBe(statusOf(error))
  const known: unknown = Reflect.get(sdk, error)
  if (typeof known === 'function') expect(refusal).toBeInstanceOf(known)
}

type Refusal = Error & Partial<Answer>

/** What it was refused with; something else where it was not. */
export const refusalOf = (answer: Promise<unknown>): Promise<Refusal> =>
  answer.then(
    () => new Error('it was not refused'),
    (error: unknown) => error as Refusal,
  )
