import type { FunctionRunner } from '../../engine/contract.ts'
import { AmpouleError } from '../../errors.ts'
import type { FunctionReference } from '../../functions/arn.ts'
import type { InvocationOptions } from '../../invoke/invocation.ts'
import type { HostedFunction } from '../../invoke/invoke.ts'
import { senderOf } from '../../invoke/sent.ts'
import { chooseTarget, type Target } from '../../invoke/route.ts'
import type { LaneLogs } from '../../observe/logs/lane-logs.ts'
import type { Lineage } from '../../control/lineage.ts'
import type { Outbox } from '../outbox.ts'
import type { Directory } from './directory.ts'

export interface Resolving {
  readonly directory: Directory
  readonly runners: ReadonlyMap<string, FunctionRunner>
  readonly logs: LaneLogs
  readonly outbox: Outbox
}

/** The version that an invocation runs, loaded. Throws a `LambdaError` when there is none that can be invoked. */
export async function resolve(
  reference: FunctionReference,
  { directory, runners }: Resolving,
): Promise<{ readonly arn: string; readonly target: Target }> {
  let route = await directory.find(reference)
  let target = chooseTarget(route, Math.random())
  if (!runners.has(target.key)) {
    // Let go since it was last used.
    directory.forget(reference.name)
    route = await directory.find(reference)
    target = chooseTarget(route, Math.random())
  }
  return { arn: route.arn, target }
}

/** The options of an invocation of this version, so that its log and what it takes are kept. Functions of `ampoule.jsonc` are not recorded. */
export const recorded = (target: Target, options: InvocationOptions, logs: LaneLogs): InvocationOptions =>
  target.key === target.settings.name
    ? options
    : { ...options, record: (requestId, startedMs) => logs.begin(target, requestId, startedMs) }

/** `lineage`: of the invocation that it is for, as far as there is any. */
export function hosted(
  { key, settings }: Target,
  { runners, outbox }: Pick<Resolving, 'runners' | 'outbox'>,
  lineage?: Lineage,
): HostedFunction {
  return {
    settings,
    send: senderOf(settings, (messages, name) => outbox(messages, name, lineage)),
    // Taken where it is used: a deployment may put another in its place.
    get runner() {
      const runner = runners.get(key)
      if (runner === undefined) throw new AmpouleError('Internal', `the lane has no runner for ${key}`)
      return runner
    },
  }
}
