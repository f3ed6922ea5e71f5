import type * as Lambda from '@aws-sdk/client-lambda'
import type { Control } from '../../control/control.ts'
import type { Caller } from '../../identity/caller.ts'
import type { OperationName } from './model/model.ts'

type CommandOf<Name extends string> = `${Name}Command` extends keyof typeof Lambda ? (typeof Lambda)[`${Name}Command`] : never

/** What an operation is given: checked against the service model, with bytes where the wire has base64. */
export type InputOf<Name extends OperationName> =
  CommandOf<Name> extends abstract new (...args: never[]) => unknown
    ? NonNullable<ConstructorParameters<CommandOf<Name>>[0]>
    : never

type Result<Command> = Command extends { resolveMiddleware(...args: never[]): infer Handler }
  ? Handler extends (...args: never[]) => Promise<{ output: infer Output }>
    ? Output
    : never
  : never

/** What an operation gives: what the SDK gives its users. */
export type OutputOf<Name extends OperationName> =
  CommandOf<Name> extends abstract new (...args: never[]) => infer Command ? Omit<Result<Command> & object, '$metadata'> : never

/**
 * Some operations, by name. Methods, paths, statuses, types, bounds and places of parameters come from the service model (model/), so all
 * that is left is what an operation does. `origin` is where the request came to, such as `http://127.0.0.1:9000`. It reads and changes state in `control.store.transact`, and throws a `LambdaError` to refuse.
 */
export type Operations<Name extends OperationName> = {
  readonly [Own in Name]: (input: InputOf<Own>, control: Control, caller: Caller, origin: string) => Promise<OutputOf<Own>>
}
