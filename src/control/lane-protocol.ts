import type { LambdaErrorType } from '../functions/lambda-error.ts'
import type { FunctionReference } from '../functions/arn.ts'
import type { Caller } from '../identity/caller.ts'
import type { Route } from '../invoke/route.ts'

/*
 * What lanes ask the main thread, where the control plane is. Lanes run invocations themselves and keep the routes that they were given; every
 * other request to the management API goes to the main thread as it came.
 */

export type Question =
  | { readonly kind: 'route'; readonly reference: FunctionReference }
  | { readonly kind: 'request'; readonly request: ForwardedRequest }

export interface ForwardedRequest {
  readonly method: string
  /** Absolute. */
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array<ArrayBuffer>
  /** Verified where requests have to be signed. */
  readonly caller: Caller
}

export interface ForwardedAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

export type RouteAnswer =
  | { readonly ok: true; readonly route: Route }
  | {
      readonly ok: false
      readonly type: LambdaErrorType
      readonly message: string
      readonly members: Readonly<Record<string, string>>
    }
