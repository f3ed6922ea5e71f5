import { AmpouleError } from '../errors.ts'
import type { Cancellation, FunctionSpec } from './contract.ts'
import type { CounterIndex, QuotaIndex, SharedCounts, Ticket } from './counts.ts'
import { Throttled } from './failure.ts'
import type { Instance } from './instance.ts'

export interface PoolOptions {
  readonly spec: FunctionSpec
  readonly index: CounterIndex
  /** Undefined: there is none but the function's own limit. */
  readonly quota?: QuotaIndex | undefined
  readonly counts: SharedCounts
  /** Instances that this lane keeps ready. */
  readonly minInstances: number
  /** What one instance takes from the host's memory ceiling; KiB. */
  readonly instanceKib: number
  readonly ceilingKib: number
  /** Every how many restores everything is compared; 1 always, 0 never. */
  readonly verifyEvery: number
  /** False when an instance serves one invocation and is thrown away. */
  readonly restorable: boolean
  create(): Promise<Instance>
  /**
   * An invocation waits and no instance may be made here, but others may hold idle ones: asks them to give one up. `instances`: only
   * other lanes hold what counts against this function's limit; `memory`: every pool of the host does.
   */
  requestEviction(scarce: 'instances' | 'memory'): void
}

export interface Lease {
  readonly instance: Instance
  readonly fresh: boolean
  readonly restoreMs: number
  readonly ticket: Ticket | undefined
}

interface Idle {
  readonly instance: Instance
  readonly since: number
  readonly restoreMs: number
  trimmed: boolean
}

interface Waiter {
  readonly grant: (ready: Omit<Lease, 'ticket'>) => void
  readonly fail: (error: unknown) => void
}

/** An idle instance gives its private pages back after this time. */
const TRIM_AFTER_MS = 5_000
/** How long to wait before trying again when neither an instance nor the memory for one is to be had. */
const RETRY_MS = 5
/** After a failed creation; doubles up to the limit. */
const BACKOFF_MS = { first: 50, most: 5_000 }

/**
 * The instances of one function in one lane. An instance is idle (ready), leased (unknown from the moment it is taken until its
 * restore has been verified), or gone. At most one is created per turn of the event loop, so replacements do not stall the lane.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #idle: Idle[] = []
  readonly #waiters: Waiter[] = []
  /** Invocations that were admitted: each holds an instance or waits for one. */
  #admitted = 0
  #creating = false
  #closed = false
  #restores = 0
  #backoffMs = 0
  #drained: (() => void) | undefined
  #minInstances: number
  /** Of all lanes. */
  #provisioned: number
  readonly #sweeper: NodeJS.Timeout

  constructor(options: PoolOptions) {
    this.#options = options
    this.#minInstances = options.minInstances
    this.#provisioned = options.spec.provisioned ?? 0
    this.#sweeper = setInterval(() => this.#sweep(), Math.max(250, Math.min(1_000, options.spec.idleMs / 2))).unref()
  }

  /** Instances alive. */
  get size(): number {
    return this.#idle.length + this.#admitted - this.#waiters.length
  }

  get idle(): number {
    return this.#idle.length
  }

  /** Has this lane keep `minInstances` ready as its part of `provisioned`, which others do not get; resolves as `prewarm` does. */
  provision(provisioned: number, minInstances: number): Promise<void> {
    this.#provisioned = provisioned
    this.#minInstances = minInstances
    return this.prewarm()
  }

  /** Makes the minimum ready. */
  async prewarm(): Promise<void> {
    while (this.size < this.#minInstances && !this.#closed) {
      // The first attempt may have had others give up what the second needs.
      const instance = (await this.#create()) ?? (this.#provisioned > 0 ? await this.#create() : undefined)
      if (instance === undefined) return
      this.#put(instance, 0)
      // Others are served meanwhile, and a lane that makes thousands does not look as if it hung.
      if (this.size < this.#minInstances) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** Admits an invocation and finds it an instance; throws TooManyRequests at once when the function's concurrency is used up. */
  acquire(signal: Cancellation): Lease | Promise<Lease> {
    if (this.#closed) throw new AmpouleError('ShuttingDown', 'the host is shutting down')
    const ticket = this.#admit()
    const idle = this.#idle.pop()
    if (idle !== undefined) return { instance: idle.instance, fresh: false, restoreMs: idle.restoreMs, ticket }
    return this.#wait(signal, ticket)
  }

  #admit(): Ticket | undefined {
    const { spec, counts, index, quota } = this.#options
    const ticket = quota === undefined ? undefined : counts.admit(index, quota, this.#provisioned)
    if (typeof ticket === 'string')
      throw new Throttled(
        ticket,
        ticket === 'own quota'
          ? `function ${spec.name} has as many invocations running as are reserved for it`
          : `as many invocations are running as all functions together may have`,
      )
    if (!counts.enter(index, spec.concurrency + this.#provisioned)) {
      if (ticket !== undefined) counts.dismiss(ticket)
      throw new Throttled(
        'function',
        `function ${spec.name} has ${spec.concurrency} invocations running, its limit ("concurrency")`,
      )
    }
    this.#admitted++
    return ticket
  }

  /** Gives an instance back after its invocation: restored, or discarded when that cannot be vouched for. */
  release(lease: Lease): void {
    const { counts, index, verifyEvery, restorable } = this.#options
    const started = performance.now()
    const verify = verifyEvery > 0 && ++this.#restores % verifyEvery === 0
    const restored = restorable && lease.instance.restore(verify)
    this.#admitted--
    counts.leave(index)
    if (lease.ticket !== undefined) counts.dismiss(lease.ticket)
    if (!restored) {
      this.#destroy(lease.instance)
      if (this.#waiters.length > 0 || this.size < this.#minInstances) this.#createSoon()
    } else this.#put(lease.instance, performance.now() - started)
    if (this.#admitted === 0) this.#drained?.()
  }

  /** Throws away one idle instance for the sake of another pool or lane; none that is provisioned. */
  evict(): boolean {
    if (this.#provisioned > 0 && this.size <= this.#minInstances) return false
    return this.#evict()
  }

  #evict(): boolean {
    const oldest = this.#idle.shift()
    if (oldest === undefined) return false
    this.#destroy(oldest.instance)
    return true
  }

  /** Stops new work, waits for what runs, lets the instances go. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    // At once: a pool that takes this one's place may need what they count for.
    while (this.#evict());
    if (this.#admitted > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    while (this.#evict());
  }

  #wait(signal: Cancellation, ticket: Ticket | undefined): Promise<Lease> {
    return new Promise<Lease>((resolve, reject) => {
      const { spec } = this.#options
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', cancelled)
        const at = this.#waiters.indexOf(waiter)
        if (at >= 0) this.#waiters.splice(at, 1)
      }
      const waiter: Waiter = {
        grant: (ready) => {
          end()
          resolve({ ...ready, ticket })
        },
        fail: (error) => {
          end()
          this.#leave(ticket)
          reject(error)
        },
      }
      const cancelled = (): void => waiter.fail(new AmpouleError('Cancelled', 'the client went away'))
      const timer = setTimeout(
        () =>
          waiter.fail(
            new AmpouleError('HostCapacity', `no instance of function ${spec.name} came free within ${spec.limits.timeoutMs} ms`),
          ),
        spec.limits.timeoutMs,
      )
      if (signal.aborted) return cancelled()
      signal.addEventListener('abort', cancelled)
      this.#waiters.push(waiter)
      this.#createSoon()
    })
  }

  #leave(ticket: Ticket | undefined): void {
    const { counts, index } = this.#options
    this.#admitted--
    counts.leave(index)
    if (ticket !== undefined) counts.dismiss(ticket)
    if (this.#admitted === 0) this.#drained?.()
  }

  #createSoon(): void {
    if (this.#creating) return
    this.#creating = true
    const wanted = (): boolean => this.#waiters.length > 0 || (this.size < this.#minInstances && !this.#closed)
    const attempt = async (): Promise<void> => {
      if (!wanted()) return void (this.#creating = false)
      let delay = 0
      try {
        const instance = await this.#create()
        this.#backoffMs = 0
        if (instance !== undefined) this.#put(instance, 0, true)
        // The minimum can wait for the next sweep: others have a better use for what there is.
        else if (this.#waiters.length === 0) return void (this.#creating = false)
        else delay = RETRY_MS
      } catch (error) {
        this.#waiters.at(0)?.fail(error)
        delay = this.#backoffMs = Math.min(BACKOFF_MS.most, this.#backoffMs === 0 ? BACKOFF_MS.first : this.#backoffMs * 2)
      }
      if (delay > 0) setTimeout(() => void attempt(), delay)
      else setImmediate(() => void attempt())
    }
    // A busy instance that is given back this turn serves the waiter first.
    setImmediate(() => void attempt())
  }

  /** Undefined when the limits leave no room at the moment. */
  async #create(): Promise<Instance | undefined> {
    const { counts, index, spec, instanceKib, ceilingKib } = this.#options
    if (!counts.create(index, Math.max(spec.concurrency + this.#provisioned, spec.minInstances))) {
      if (this.#waiters.length > 0) this.#options.requestEviction('instances')
      return undefined
    }
    if (!counts.reserve(instanceKib, ceilingKib)) {
      counts.destroy(index)
      if (this.#waiters.length > 0 || this.#provisioned > 0) this.#options.requestEviction('memory')
      return undefined
    }
    try {
      return await this.#options.create()
    } catch (error) {
      counts.reserve(-instanceKib, ceilingKib)
      counts.destroy(index)
      throw error
    }
  }

  #destroy(instance: Instance): void {
    const { counts, index, instanceKib, ceilingKib } = this.#options
    if (instance.state !== 'discarded') instance.discard()
    counts.destroy(index)
    counts.reserve(-instanceKib, ceilingKib)
  }

  #put(instance: Instance, restoreMs: number, fresh = false): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) waiter.grant({ instance, fresh, restoreMs })
    else if (this.#closed) this.#destroy(instance)
    else this.#idle.push({ instance, since: performance.now(), restoreMs, trimmed: false })
  }

  #sweep(): void {
    const now = performance.now()
    const { idleMs } = this.#options.spec
    // The oldest stands first: the most recently used is leased first.
    while (this.#idle.length > 0 && this.size > this.#minInstances && now - this.#idle[0]!.since > idleMs) this.#evict()
    for (const idle of this.#idle) {
      if (idle.trimmed || now - idle.since < TRIM_AFTER_MS) continue
      idle.instance.trim()
      idle.trimmed = true
    }
    if (this.size < this.#minInstances) this.#createSoon()
  }
}
