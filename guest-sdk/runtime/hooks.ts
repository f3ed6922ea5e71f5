import { describe } from './errors.ts'
import type { Context, Environment } from './function.ts'

/** What author code has registered (`beforeSnapshot`, `onInvoke` of `@ampoule/guest`); each list in order. */
export interface Hooks {
  /** Emptied by whoever runs them: after the script's top level, or else at the first event. */
  readonly beforeSnapshot: (() => unknown)[]
  readonly onInvoke: ((env: Environment, context: Context) => unknown)[]
  /** The module's top level is over, and what it registered has run: what is registered from now on is forgotten with its invocation. */
  serving: boolean
}

/** How guest-sdk/index.ts, which is a part of the author's bundle, finds the lists. */
const REGISTRY = Symbol.for('ampoule.guest')

export function installHooks(globals: object): Hooks {
  const hooks: Hooks = { beforeSnapshot: [], onInvoke: [], serving: false }
  const check = (name: string, hook: unknown): void => {
    if (typeof hook !== 'function') throw new TypeError(`${name}(run) needs a function, but was given ${describe(hook)}`)
    if (hooks.serving)
      throw new Error(
        `${name}(run) was called inside an invocation: call it at the top level of the module, which runs before the snapshot`,
      )
  }
  const registry = {
    beforeSnapshot(prepare: Hooks['beforeSnapshot'][number]): void {
      check('beforeSnapshot', prepare)
      hooks.beforeSnapshot.push(prepare)
    },
    onInvoke(refresh: Hooks['onInvoke'][number]): void {
      check('onInvoke', refresh)
      hooks.onInvoke.push(refresh)
    },
  }
  Object.defineProperty(globals, REGISTRY, { value: registry, configurable: true })
  return hooks
}

/** What has to run before the event's handler; undefined for nothing. */
export function hooksBefore(hooks: Hooks, type: string, env: Environment, context: Context): Promise<void> | undefined {
  const refreshes = type === 'warm' ? 0 : hooks.onInvoke.length
  return hooks.beforeSnapshot.length > 0 || refreshes > 0 ? runHooks(hooks, type, env, context) : undefined
}

async function runHooks(hooks: Hooks, type: string, env: Environment, context: Context): Promise<void> {
  await prepare(hooks)
  if (type !== 'warm') for (const refresh of hooks.onInvoke) await refresh(env, context)
}

/** Runs what waits for the snapshot, one after the other; each only once. */
export async function prepare({ beforeSnapshot }: Hooks): Promise<void> {
  for (let hook = beforeSnapshot.shift(); hook !== undefined; hook = beforeSnapshot.shift()) await hook()
}
