import type { Changed } from '../../control/residence.ts'
import type { Question, RouteAnswer } from '../../control/lane-protocol.ts'
import type { Route } from '../../invoke/route.ts'
import type { LaneSupervisor } from '../../engine/contract.ts'
import { formatFunctionArn, LATEST, type Account, type FunctionReference } from '../../functions/arn.ts'
import { LambdaError } from '../../functions/lambda-error.ts'
import type { HostedFunctions } from '../../invoke/invoke.ts'

export interface DirectoryOptions {
  readonly supervisor: LaneSupervisor
  readonly account: Account
  /** Functions of `ampoule.jsonc`: they have no versions. */
  readonly declared: () => HostedFunctions
}

/** Beyond so many the directory starts anew. */
const MAX_ROUTES = 100_000

/** Which functions, versions and aliases this lane knows where to find; it asks for what it does not know, and forgets what has changed. */
export class Directory {
  readonly #options: DirectoryOptions
  /** By name, then by qualifier. */
  readonly #routes = new Map<string, Map<string, Route>>()
  /** Counted up when anything changes: an answer that was on its way meanwhile may be out of date. */
  #generation = 0

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /** Throws a `LambdaError` when there is none that can be invoked. */
  find(reference: FunctionReference): Route | Promise<Route> {
    const { name, qualifier = '' } = reference
    return this.#routes.get(name)?.get(qualifier) ?? this.#declared(reference) ?? this.#ask(reference)
  }

  forget(name: string): void {
    this.#generation++
    this.#routes.delete(name)
  }

  told({ changed }: Changed): void {
    for (const name of changed) this.forget(name)
  }

  #declared({ name, qualifier }: FunctionReference): Route | undefined {
    const { declared, account } = this.#options
    const found = qualifier === undefined || qualifier === LATEST ? declared().get(name) : undefined
    if (found === undefined) return undefined
    const target = { weight: 1, version: LATEST, key: name, settings: found.settings }
    return { arn: formatFunctionArn(account, name, qualifier), targets: [target] }
  }

  async #ask(reference: FunctionReference): Promise<Route> {
    const generation = this.#generation
    const question: Question = { kind: 'route', reference }
    const answer = (await this.#options.supervisor.ask(question)) as RouteAnswer
    if (!answer.ok) throw new LambdaError(answer.type, answer.message, { members: answer.members })
    if (generation === this.#generation) this.#keep(reference, answer.route)
    return answer.route
  }

  #keep({ name, qualifier = '' }: FunctionReference, route: Route): void {
    if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
    const own = this.#routes.get(name) ?? new Map<string, Route>()
    own.set(qualifier, route)
    this.#routes.set(name, own)
  }
}
