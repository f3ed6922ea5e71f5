import { AmpouleError } from '../errors.ts'
import type {
  ExchangeAnswer,
  ExchangeRequest,
  FunctionRunner,
  FunctionSpec,
  InvocationContext,
  InvocationReport,
} from './contract.ts'
import type { CounterIndex, QuotaIndex, SharedCounts } from './counts.ts'
import { GuestFailure } from './failure.ts'
import type { MountLease } from './files/mounts.ts'
import type { InstanceSource } from './instance.ts'
import { Pool, type Lease } from './pool.ts'
import { createInstance, instanceSource, type EngineParts, type Material } from './prepare.ts'
import type { SliceScheduler } from './slices.ts'
import type { GuestRequest, GuestResponse } from '../wasi/contract.ts'

export interface RunnerOptions {
  readonly spec: FunctionSpec
  readonly material: Material
  readonly parts: EngineParts
  readonly scheduler: SliceScheduler
  readonly counts: SharedCounts
  readonly index: CounterIndex
  readonly quota?: QuotaIndex | undefined
  /** Instances that this lane keeps ready. */
  readonly minInstances: number
  readonly ceilingKib: number
  readonly verifyEvery: number
  requestEviction(scarce: 'instances' | 'memory'): void
  stuck(): void
}

/** At most so much of a snapshot stays private in an idle instance; bytes. Beyond it pages are dropped (restore/dirty-pages.ts). */
const PRIVATE_BYTES = 2 * 1024 * 1024

/** One function in one lane: its pool, and the two ways into its instances. */
export class Runner implements FunctionRunner {
  readonly spec: FunctionSpec
  readonly ways: FunctionRunner['ways']
  readonly events: FunctionRunner['events']
  readonly pool: Pool
  readonly #scheduler: SliceScheduler
  #files: MountLease | undefined

  constructor(options: RunnerOptions) {
    const { spec, material, parts, scheduler, counts, index, ceilingKib } = options
    this.#scheduler = scheduler
    this.spec = spec
    const { event, exchange, http } = material.plan.exports
    this.ways = { event: event !== undefined, exchange: exchange !== undefined, http: http !== undefined }
    this.events = material.events
    const lane = {
      reserve: (bytes: number) => counts.reserve(Math.ceil(bytes / 1024), ceilingKib),
      stuck: () => options.stuck(),
    }
    const source = (): InstanceSource => {
      const { mounts } = (this.#files ??= parts.mounts.take(spec))
      return instanceSource(spec, material, parts, scheduler, lane, mounts)
    }
    let made: InstanceSource | undefined
    try {
      made = source()
    } catch {
      // Files that cannot be read are the trouble of this function's invocations, and not of its lane.
    }
    this.pool = new Pool({
      spec,
      index,
      quota: options.quota,
      counts,
      minInstances: options.minInstances,
      instanceKib: instanceKib(material, parts.strategy.undoesGrowth),
      ceilingKib,
      verifyEvery: options.verifyEvery,
      restorable: material.mode !== 'fresh',
      create: async () => createInstance((made ??= source()), material, parts),
      requestEviction: (scarce) => options.requestEviction(scarce),
    })
  }

  get crowded(): boolean {
    return this.#scheduler.waiting > 0
  }

  async invokeEvent(
    event: Uint8Array,
    context: InvocationContext,
  ): Promise<{ readonly payload: Uint8Array; readonly report: InvocationReport }> {
    if (!this.ways.event) throw new AmpouleError('InvalidRequest', `function ${this.spec.name} has no event handler`)
    const queued = performance.now()
    const acquired = this.pool.acquire(context.signal)
    const lease = acquired instanceof Promise ? await acquired : acquired
    const started = performance.now()
    try {
      const { ok, payload } = await lease.instance.runEvent(event, context, this.spec.limits.timeoutMs, this.spec.limits.fuel)
      if (!ok) throw this.#failure(lease, payload)
      return { payload, report: report(lease, queued, started) }
    } catch (error) {
      context.spent?.(report(lease, queued, started))
      throw error
    } finally {
      this.pool.release(lease)
    }
  }

  async invokeExchange(
    request: ExchangeRequest,
    context: InvocationContext,
  ): Promise<{ readonly answer: ExchangeAnswer & { readonly ok: true }; readonly report: InvocationReport }> {
    if (!this.ways.exchange) throw new AmpouleError('InvalidRequest', `function ${this.spec.name} has no exchange`)
    const queued = performance.now()
    const acquired = this.pool.acquire(context.signal)
    const lease = acquired instanceof Promise ? await acquired : acquired
    const started = performance.now()
    try {
      const answer = await lease.instance.runExchange(request, context, this.spec.limits.timeoutMs, this.spec.limits.fuel)
      if (!answer.ok) throw this.#failure(lease, answer.payload)
      return { answer, report: report(lease, queued, started) }
    } catch (error) {
      context.spent?.(report(lease, queued, started))
      throw error
    } finally {
      this.pool.release(lease)
    }
  }

  #failure({ instance }: Lease, payload: Uint8Array): GuestFailure {
    return new GuestFailure(payload, instance.memoryRefused ? this.spec.limits.memoryMb : undefined)
  }

  async invokeHttp(
    request: GuestRequest,
    context: InvocationContext,
  ): Promise<{ readonly response: GuestResponse; readonly done: Promise<InvocationReport> }> {
    if (!this.ways.http) throw new AmpouleError('InvalidRequest', `function ${this.spec.name} has no wasi:http handler`)
    const queued = performance.now()
    const lease = await this.pool.acquire(context.signal)
    const started = performance.now()
    const { response, ended } = lease.instance.startHttp(request, context, this.spec.limits.timeoutMs, this.spec.limits.fuel)
    const finish = (): InvocationReport => {
      const result = report(lease, queued, started)
      this.pool.release(lease)
      return result
    }
    // A failure reaches the caller through `response`, or as the end of the body's stream.
    const done = ended.then(finish, finish)
    return { response: await response, done }
  }

  async close(): Promise<void> {
    await this.pool.close()
    this.#files?.[Symbol.dispose]()
    this.#files = undefined
  }
}

function report({ instance, fresh, restoreMs }: Lease, queued: number, started: number): InvocationReport {
  return {
    queueMs: started - queued,
    guestMs: performance.now() - started,
    restoreMs,
    fuelUsed: instance.fuelUsed,
    memoryBytes: instance.peakBytes,
    fresh,
  }
}

function instanceKib(material: Material, shared: boolean): number {
  const images =
    material.snapshot?.memories.flat().map(({ image }) => image.length) ??
    material.reports.flatMap(({ memories }) => memories.map((memory) => memory.minPages * 65_536))
  const bytes = images.reduce(
    (sum, length) => sum + (shared && material.snapshot !== undefined ? Math.min(length, PRIVATE_BYTES) : length),
    0,
  )
  return Math.ceil(bytes / 1024) + OVERHEAD_KIB
}

/** Tables, code references and host objects of one instance; KiB. */
const OVERHEAD_KIB = 512
