import type { FunctionSettings } from '../functions/settings.ts'

/** Where an invocation of a function, version or alias goes. Plain data: lanes keep it until they hear that the function has changed. */
export interface Route {
  /** As it was asked for, qualifier and all. */
  readonly arn: string
  /** One; two for an alias that splits its traffic. Weights add up to 1. */
  readonly targets: readonly Target[]
}

export interface Target {
  readonly weight: number
  /** `$LATEST` or a number. */
  readonly version: string
  /** The name of the version's runner in lanes. */
  readonly key: string
  readonly settings: FunctionSettings
}

/** `random` from 0 up to, not including, 1. */
export function chooseTarget({ targets }: Route, random: number): Target {
  let rest = random
  for (const target of targets) {
    if (rest < target.weight) return target
    rest -= target.weight
  }
  const last = targets.at(-1)
  if (last === undefined) throw new RangeError('a route has at least one target')
  return last
}
