/** What author code imports as `@ampoule/guest`: types of handlers and events, and the hooks around the snapshot. */
import type { Context, Env } from './types/function.ts'

export type * from './types/function.ts'
export type * from './types/lambda.ts'

/** What the runtime keeps under {@link REGISTRY} of the global object. */
interface Registry {
  beforeSnapshot(prepare: () => unknown): void
  onInvoke(refresh: (env: Env, ctx: Context) => unknown): void
}

/** The author's bundle and the runtime are different scripts: this symbol is all that they share. Set by guest-sdk/runtime/hooks.ts. */
const REGISTRY = Symbol.for('ampoule.guest')

/**
 * Runs `prepare` once, at deployment: after the module's top level, before the snapshot that every invocation starts from. What it
 * leaves in memory (parsed data, compiled templates, warm caches) is there in every invocation at no cost. May be asynchronous; the
 * next one starts when it has ended. Has the deployment's limits of fuel and time; an error fails the deployment.
 * Must be called at the module's top level. Where no Ampoule runs the module, `prepare` runs at once and is not waited for.
 */
export function beforeSnapshot(prepare: () => void | Promise<void>): void {
  const registry = findRegistry()
  if (registry === undefined) void prepare()
  else registry.beforeSnapshot(prepare)
}

/**
 * Runs `refresh` at the start of each invocation, before its handler, with the handler's `env` and `ctx`: for what must not come from
 * the snapshot, as ids and times that the module keeps. (`Math.random`, `crypto` and `Date` are fresh without it.) May be asynchronous;
 * an error fails the invocation. Its time is the invocation's.
 * Must be called at the module's top level. Where no Ampoule runs the module this does nothing: there, the module's top level is not
 * part of a snapshot.
 */
export function onInvoke(refresh: (env: Env, ctx: Context) => void | Promise<void>): void {
  findRegistry()?.onInvoke(refresh)
}

function findRegistry(): Registry | undefined {
  const found: unknown = Reflect.get(globalThis, REGISTRY)
  return isRegistry(found) ? found : undefined
}

const isRegistry = (value: unknown): value is Registry =>
  typeof value === 'object' && value !== null && 'beforeSnapshot' in value && 'onInvoke' in value
