/* oxlint-disable typescript/no-unsafe-type-assertion, unicorn/no-thenable -- a promise holds what its type parameter says, which only its constructor can know */
/**
 * Promises for QuickJS. The engine, built without the component model's async, never runs its job queue: a promise's reactions
 * would wait for ever. So the build lowers async functions to generators, and this Promise (ECMA-262 27.2, without species)
 * replaces the engine's: its jobs are in a queue that the runtime empties before the invocation answers.
 */

type Resolve<T> = (value: T | PromiseLike<T>) => void
type Reject = (reason?: unknown) => void
type State = 'pending' | 'fulfilled' | 'rejected'

/** Jobs (microtasks) in order. */
export interface JobQueue {
  readonly add: (job: () => void) => void
  /** Runs until no job is left; jobs that jobs add included. */
  run(): void
  clear(): void
}

function createQueue(): JobQueue {
  let list: (() => void)[] = []
  let next = 0
  const clear = (): void => {
    if (list.length === 0) return
    list = []
    next = 0
  }
  return {
    add: (job) => void list.push(job),
    run() {
      while (next < list.length) {
        const job = list[next++]
        job?.()
      }
      clear()
    },
    clear,
  }
}

const jobs = createQueue()

/** The queue of {@link JobPromise}: one per engine, as promises have no other way to reach it. */
export const jobQueue = (): JobQueue => jobs

const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function'

/** Keys and not private fields: those become WeakMaps when they are lowered, at twenty times the price. */
const STATE = Symbol('state')
const VALUE = Symbol('value')
const REACTIONS = Symbol('reactions')

export class JobPromise<T> implements Promise<T> {
  declare readonly [Symbol.toStringTag]: string;
  declare [STATE]: State;
  declare [VALUE]: unknown;
  declare [REACTIONS]: (() => void)[] | undefined

  constructor(executor: (resolve: Resolve<T>, reject: Reject) => void) {
    if (typeof executor !== 'function') throw new TypeError('Promise resolver is not a function')
    this[STATE] = 'pending'
    this[VALUE] = undefined
    this[REACTIONS] = undefined
    let called = false
    const reject: Reject = (reason) => {
      if (called) return
      called = true
      settlePromise(this, 'rejected', reason)
    }
    try {
      executor((value) => {
        if (called) return
        called = true
        resolvePromise(this, value)
      }, reject)
    } catch (error) {
      reject(error)
    }
  }

  /** What `settle` of the runtime asks, after the jobs have run. */
  get outcome(): { readonly state: State; readonly value: unknown } {
    return { state: this[STATE], value: this[VALUE] }
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): JobPromise<A | B> {
    const Constructor = this.constructor as typeof JobPromise
    return new Constructor<A | B>((resolve, reject) => {
      const react = (): void => {
        try {
          if (this[STATE] === 'fulfilled') {
            // Without a handler the value is passed through, whose type is then A.
            resolve(typeof onFulfilled === 'function' ? onFulfilled(this[VALUE] as T) : (this[VALUE] as A))
          } else if (typeof onRejected === 'function') resolve(onRejected(this[VALUE]))
          else reject(this[VALUE])
        } catch (error) {
          reject(error)
        }
      }
      if (this[STATE] !== 'pending') jobs.add(react)
      else if (this[REACTIONS] === undefined) this[REACTIONS] = [react]
      else this[REACTIONS].push(react)
    })
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): JobPromise<T | B> {
    return this.then(null, onRejected)
  }

  finally(onFinally?: (() => void) | null): JobPromise<T> {
    if (typeof onFinally !== 'function') return this.then()
    return this.then(
      (value) => JobPromise.resolve(onFinally()).then(() => value),
      (reason: unknown) =>
        JobPromise.resolve(onFinally()).then(() => {
          throw reason
        }),
    )
  }

  static resolve<T = void>(value?: T | PromiseLike<T>): JobPromise<T> {
    if (value instanceof JobPromise && value.constructor === this) return value
    return new this<T>((resolve) => resolve(value as T))
  }

  static reject<T = never>(reason?: unknown): JobPromise<T> {
    return new this<T>((_, reject) => reject(reason))
  }

  static withResolvers<T>(): { promise: JobPromise<T>; resolve: Resolve<T>; reject: Reject } {
    const resolvers: { resolve: Resolve<T>; reject: Reject }[] = []
    const promise = new this<T>((resolve, reject) => void resolvers.push({ resolve, reject }))
    const [first] = resolvers
    if (first === undefined) throw new TypeError('the promise did not call its executor')
    return { promise, ...first }
  }

  static try<T, A extends unknown[]>(run: (...args: A) => T | PromiseLike<T>, ...args: A): JobPromise<T> {
    return new this<T>((resolve) => resolve(run(...args)))
  }

  static all<T>(values: Iterable<T | PromiseLike<T>>): JobPromise<T[]> {
    return collect<T, T>(this, values, (value, keep, fail) => value.then(keep, fail))
  }

  static allSettled<T>(values: Iterable<T | PromiseLike<T>>): JobPromise<PromiseSettledResult<T>[]> {
    return collect<T, PromiseSettledResult<T>>(this, values, (value, keep) =>
      value.then(
        (kept) => keep({ status: 'fulfilled', value: kept }),
        (reason: unknown) => keep({ status: 'rejected', reason }),
      ),
    )
  }

  static any<T>(values: Iterable<T | PromiseLike<T>>): JobPromise<T> {
    return new this<T>((resolve, reject) => {
      collect<T, unknown>(this, values, (value, keep) => value.then(resolve, keep)).then(
        (errors) => reject(new AggregateError(errors, 'All promises were rejected')),
        reject,
      )
    })
  }

  static race<T>(values: Iterable<T | PromiseLike<T>>): JobPromise<T> {
    return new this<T>((resolve, reject) => {
      for (const value of values) this.resolve(value).then(resolve, reject)
    })
  }
}

Object.defineProperty(JobPromise.prototype, Symbol.toStringTag, { value: 'Promise', configurable: true })

/** ECMA-262 27.2.1.3.2: takes over what a thenable becomes. */
function resolvePromise(promise: JobPromise<unknown>, value: unknown): void {
  if (value === promise) return settlePromise(promise, 'rejected', new TypeError('Chaining cycle detected for promise'))
  if (!isObject(value)) return settlePromise(promise, 'fulfilled', value)
  let then: unknown
  try {
    then = Reflect.get(value, 'then')
  } catch (error) {
    return settlePromise(promise, 'rejected', error)
  }
  if (typeof then !== 'function') return settlePromise(promise, 'fulfilled', value)
  const thenable = then
  jobs.add(() => {
    let called = false
    const once =
      (action: (promise: JobPromise<unknown>, argument: unknown) => void) =>
      (argument: unknown): void => {
        if (called) return
        called = true
        action(promise, argument)
      }
    const reject = once((own, reason) => settlePromise(own, 'rejected', reason))
    try {
      Reflect.apply(thenable, value, [once(resolvePromise), reject])
    } catch (error) {
      reject(error)
    }
  })
}

function settlePromise(promise: JobPromise<unknown>, state: State, value: unknown): void {
  promise[STATE] = state
  promise[VALUE] = value
  const reactions = promise[REACTIONS]
  if (reactions === undefined) return
  promise[REACTIONS] = undefined
  for (let i = 0; i < reactions.length; i++) {
    const reaction = reactions[i]
    if (reaction !== undefined) jobs.add(reaction)
  }
}

type Each<T, R> = (value: JobPromise<T>, keep: (result: R) => void, fail: Reject) => unknown

/** Resolves when every value has been kept, in the order of the values. */
function collect<T, R>(Constructor: typeof JobPromise, values: Iterable<T | PromiseLike<T>>, each: Each<T, R>): JobPromise<R[]> {
  return new Constructor<R[]>((resolve, reject) => {
    const results: R[] = []
    let left = 1
    let index = 0
    const done = (): void => {
      if (--left === 0) resolve(results)
    }
    for (const value of values) {
      const at = index++
      left++
      const keep = (result: R): void => {
        results[at] = result
        done()
      }
      each(Constructor.resolve(value), keep, reject)
    }
    done()
  })
}
