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
export class JobQueue {
  #jobs: (() => void)[] = []
  #next = 0

  readonly add = (job: () => void): void => {
    this.#jobs.push(job)
  }

  /** Runs until no job is left; jobs that jobs add included. */
  run(): void {
    while (this.#next < this.#jobs.length) {
      const job = this.#jobs[this.#next++]
      job?.()
    }
    this.clear()
  }

  clear(): void {
    this.#jobs = []
    this.#next = 0
  }
}

const jobs = new JobQueue()

/** The queue of {@link JobPromise}: one per engine, as promises have no other way to reach it. */
export const jobQueue = (): JobQueue => jobs

const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function'

export class JobPromise<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Promise'
  #state: State = 'pending'
  #value: unknown = undefined
  #reactions: (() => void)[] = []

  constructor(executor: (resolve: Resolve<T>, reject: Reject) => void) {
    if (typeof executor !== 'function') throw new TypeError('Promise resolver is not a function')
    const { resolve, reject } = this.#resolvers()
    try {
      executor(resolve, reject)
    } catch (error) {
      reject(error)
    }
  }

  /** What `settle` of the runtime asks, after the jobs have run. */
  get outcome(): { readonly state: State; readonly value: unknown } {
    return { state: this.#state, value: this.#value }
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): JobPromise<A | B> {
    const Constructor = this.constructor as typeof JobPromise
    return new Constructor<A | B>((resolve, reject) => {
      const react = (): void => {
        try {
          if (this.#state === 'fulfilled') {
            // Without a handler the value is passed through, whose type is then A.
            resolve(typeof onFulfilled === 'function' ? onFulfilled(this.#value as T) : (this.#value as A))
          } else if (typeof onRejected === 'function') resolve(onRejected(this.#value))
          else reject(this.#value)
        } catch (error) {
          reject(error)
        }
      }
      if (this.#state === 'pending') this.#reactions.push(react)
      else jobs.add(react)
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

  #resolvers(): { resolve: Resolve<T>; reject: Reject } {
    let called = false
    const once =
      <A>(action: (argument: A) => void) =>
      (argument: A): void => {
        if (called) return
        called = true
        action(argument)
      }
    return {
      resolve: once((value: T | PromiseLike<T>) => this.#resolve(value)),
      reject: once((reason?: unknown) => this.#settle('rejected', reason)),
    }
  }

  #resolve(value: T | PromiseLike<T>): void {
    if (value === (this as unknown)) return this.#settle('rejected', new TypeError('Chaining cycle detected for promise'))
    if (!isObject(value)) return this.#settle('fulfilled', value)
    let then: unknown
    try {
      then = Reflect.get(value, 'then')
    } catch (error) {
      return this.#settle('rejected', error)
    }
    if (typeof then !== 'function') return this.#settle('fulfilled', value)
    const thenable = then
    jobs.add(() => {
      const { resolve, reject } = this.#resolvers()
      try {
        Reflect.apply(thenable, value, [resolve, reject])
      } catch (error) {
        reject(error)
      }
    })
  }

  #settle(state: State, value: unknown): void {
    this.#state = state
    this.#value = value
    for (const reaction of this.#reactions) jobs.add(reaction)
    this.#reactions = []
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
