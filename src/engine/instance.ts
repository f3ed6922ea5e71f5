import { MemoryAccount } from './account.ts'
import { CanonicalAccess, type GuestMemory } from './access.ts'
import { asFunction, callBytes, callLoad } from './bytes-function.ts'
import type { BytesAnswer, BytesFunction, Resolve } from './bytes-function.ts'
import type { ExchangeAnswer, ExchangeRequest, FunctionSpec, InvocationContext } from './contract.ts'
import { callExchange, type ExchangeFunction } from './exchange.ts'
import { LineSplitter } from './lines.ts'
import { readGlobals, writeGlobals } from './globals.ts'
import { GuestMemories } from './memories.ts'
import type { RestoreStrategy } from './restore/contract.ts'
import { plugHoles } from './plug.ts'
import { INIT_BUDGET_MS, INIT_FUEL, Meter, deadlineExceeded, type Counter } from './meter.ts'
import type { SliceScheduler } from './slices.ts'
import { releaseSnapshot, type Snapshot } from './snapshot.ts'
import { Waits } from './waits.ts'
import { toAmpouleError } from './failure.ts'
import { AmpouleError } from '../errors.ts'
import type { CoreModule, CoreRef, LiftedExport, Linked, LinkHooks, LinkPlan } from '../component/contract.ts'
import type { CreateWasi, Mount, GuestRequest, GuestResponse, HttpCall, Wasi, WasiEnvironment } from '../wasi/contract.ts'
import type { InstrumentReport } from '../wasm/contract.ts'
import { initialise } from '../wasm/initialise.ts'

/** What a core module does before anything else runs (src/wasm/detach.ts). */
export type Initialisation = Pick<CoreModule, 'segments' | 'start'>

/** What all instances of one function in one lane are made from. */
export interface InstanceSource {
  readonly spec: FunctionSpec
  readonly plan: LinkPlan
  readonly reports: readonly InstrumentReport[]
  readonly link: (hooks: LinkHooks) => Linked
  readonly strategy: RestoreStrategy
  readonly scheduler: SliceScheduler
  readonly createWasi: CreateWasi
  /** What the guest can read beside /tmp; there as long as the instance is. */
  readonly mounts: readonly Mount[]
  /** By core module: what the instance initialises itself with; undefined when a snapshot follows. */
  readonly initialisation: readonly Initialisation[] | undefined
  /** How long start functions may run: they cannot be suspended, so a lane stands still meanwhile. */
  readonly initialisationMs: number
  /** Takes bytes of grown memory from the host's ceiling; false when it is reached. Negative gives back. */
  reserve(bytes: number): boolean
  /** A guest's stack did not unwind after an abort: the lane cannot be trusted any more. */
  stuck(): void
}

type State = 'new' | 'ready' | 'running' | 'unknown' | 'discarded'

interface CoreState {
  readonly restore: (() => void) | undefined
  readonly save: (() => void) | undefined
  readonly changed: (() => number) | undefined
}

/** Bit of `ampoule:changed` (src/wasm/contract.ts): a table grew, which nothing undoes. */
const TABLE_GREW = 4
const TABLE_TOUCHED = 2
/** What a table entry is charged in the memory account; bytes. V8 keeps a tagged reference and a dispatch entry. */
const TABLE_ENTRY_BYTES = 32

/**
 * One live instantiation of an artifact.
 *
 * new -> ready      by `adopt` (a snapshot to go back to) or `readyOnce` (nothing to go back to: the first `restore` discards it)
 * ready -> running  by `runEvent`, `startHttp`
 * running -> unknown when the guest's stack has unwound, whatever the outcome
 * unknown -> ready  by a `restore` that vouches for every part; otherwise -> discarded
 * unknown -> new, ready -> new  by `keep` and `reopen`, while it is being initialised
 *
 * Between `running` and a verified `restore` nothing is assumed about the instance.
 */
export class Instance {
  readonly #source: InstanceSource
  readonly #meter: Meter
  readonly #account: MemoryAccount
  readonly #linked: Linked
  readonly #wasi: Wasi
  readonly #memories: GuestMemories
  readonly #cores: CoreState[] = []
  readonly #stdout: LineSplitter
  readonly #stderr: LineSplitter
  readonly #waits: Waits
  #state: State = 'new'
  /** Bytes of grown memory that count against the host's ceiling. */
  #reserved = 0
  #context: InvocationContext | undefined
  /** Part of the snapshot; undefined while there is none. */
  #wasiState: unknown
  /** Set when no other instance shares the snapshot. */
  #owned: Snapshot | undefined
  #event: BytesFunction | undefined
  #load: BytesFunction | undefined
  #exchange: ExchangeFunction | undefined
  #http: ((request: number, responseOut: number) => Promise<unknown>) | undefined

  constructor(source: InstanceSource) {
    this.#source = source
    this.#meter = new Meter(source.scheduler, source.spec.limits.memoryMb)
    this.#waits = new Waits(() => this.#meter.resumed())
    this.#memories = new GuestMemories(source.strategy)
    this.#account = new MemoryAccount(source.spec.limits.memoryMb * 1024 * 1024)
    this.#stdout = new LineSplitter((line) => this.#context?.log('stdout', line))
    this.#stderr = new LineSplitter((line) => this.#context?.log('stderr', line))
    this.#wasi = source.createWasi(this.#environment())
    for (const { memories, tables } of this.#reportsByInstance()) {
      for (const memory of memories)
        if (memory.from === undefined) this.#chargeInitial(memory.minPages * 2 ** memory.pageSizeLog2)
      for (const table of tables) if (!table.imported) this.#chargeInitial(table.min * TABLE_ENTRY_BYTES)
    }
    this.#meter.begin({
      fuel: INIT_FUEL,
      deadlineAt: performance.now() + INIT_BUDGET_MS,
      timeoutMs: INIT_BUDGET_MS,
      syncMs: source.initialisationMs,
    })
    try {
      this.#linked = source.scheduler.sync(() => source.link(this.#hooks()))
    } catch (error) {
      throw toAmpouleError(error, this.#meter, this.#account)
    }
    this.#findState()
    this.#findExports()
  }

  get state(): State {
    return this.#state
  }

  get fuelUsed(): bigint {
    return this.#meter.used
  }

  get peakBytes(): number {
    return this.#account.peak
  }

  /** Whether the guest wanted more memory than it may have since the last restore. */
  get memoryRefused(): boolean {
    return this.#account.refused
  }

  get draws(): { readonly random: number; readonly clock: number } {
    return this.#wasi.draws()
  }

  /** Whether initialisation wrote tables beyond their element segments: then no other instance can start from this one's snapshot. */
  get tablesTouched(): boolean {
    return this.#cores.some((core) => ((core.changed?.() ?? 0) & (TABLE_TOUCHED | TABLE_GREW)) !== 0)
  }

  // --- snapshots ---

  /** Takes the state as it is now as the one that every invocation starts from. */
  capture(): Snapshot {
    this.#expect('new')
    const { instances } = this.#linked
    const memories = this.#memories.capture(instances.length)
    const globals = instances.map((exports, i) => readGlobals(this.#report(i), exports))
    const wasi = this.#wasi.save()
    return { memories, globals, wasi, accountBytes: this.#account.used }
  }

  /** Brings a new instance to `snapshot` and makes it ready. One that it `owns` is released with it. */
  adopt(snapshot: Snapshot, owns = false): void {
    this.#expect('new')
    if (owns) this.#owned = snapshot
    const protectable = !this.#source.reports.some(({ atomics }) => atomics)
    for (const [i, values] of snapshot.globals.entries()) writeGlobals(this.#linked.instances[i], values)
    this.#memories.adopt(snapshot.memories, protectable)
    for (const core of this.#cores) core.save?.()
    this.#wasi.restore(snapshot.wasi)
    this.#wasiState = snapshot.wasi
    this.#account.rebase(snapshot.accountBytes)
    this.#state = 'ready'
  }

  /** Makes a new instance ready for a single invocation, without the copy of its memory that a snapshot is. */
  readyOnce(): void {
    this.#expect('new')
    this.#account.rebase(this.#account.used)
    this.#state = 'ready'
  }

  /**
   * Back to the snapshot. False when there is none, or when that cannot be vouched for: the instance is then discarded. `verify`
   * compares every byte, global and handle, which takes milliseconds.
   */
  restore(verify: boolean): boolean {
    this.#expect('unknown')
    try {
      if (this.#wasiState !== undefined && this.#restoreAll() && (!verify || this.#verify())) {
        this.#state = 'ready'
        return true
      }
    } catch {
      // What failed while restoring can only be thrown away; the cause does not matter to anyone.
    }
    this.discard()
    return false
  }

  discard(): void {
    this.#state = 'discarded'
    this.#memories.close()
    if (this.#owned !== undefined) releaseSnapshot(this.#owned, this.#source.strategy)
    this.#owned = undefined
    this.#giveBack()
  }

  /** Gives private pages back; for an idle instance. */
  trim(): void {
    this.#expect('ready')
    this.#memories.trim()
  }

  // --- invocations ---

  /** The event world's `handle`; the guest's err bytes reject as `GuestFailure`. Leaves the instance `unknown`. */
  async runEvent(event: Uint8Array, context: InvocationContext, timeoutMs: number, fuel: bigint): Promise<BytesAnswer> {
    const entry = this.#event
    if (entry === undefined) throw new AmpouleError('InvalidRequest', `function ${this.#source.spec.name} has no event handler`)
    const keep = this.#state === 'new'
    const { maxResponseBytes } = this.#source.spec.limits
    return this.#invoke(context, timeoutMs, fuel, () => callBytes(entry, event, maxResponseBytes, keep))
  }

  /** The other way into a script engine's `handle`, for HTTP requests. Leaves the instance `unknown`. */
  async runExchange(
    request: ExchangeRequest,
    context: InvocationContext,
    timeoutMs: number,
    fuel: bigint,
  ): Promise<ExchangeAnswer> {
    const entry = this.#exchange
    if (entry === undefined) throw new AmpouleError('InvalidRequest', `function ${this.#source.spec.name} has no exchange`)
    const keep = this.#state === 'new'
    const { maxResponseBytes } = this.#source.spec.limits
    return this.#invoke(context, timeoutMs, fuel, () => callExchange(entry, request, maxResponseBytes, keep))
  }

  /** A script engine's `load`, which belongs to initialisation. Leaves the instance `unknown`. */
  async load(script: Uint8Array, context: InvocationContext, timeoutMs: number, fuel: bigint): Promise<BytesAnswer> {
    const entry = this.#load
    if (entry === undefined) throw new AmpouleError('InvalidComponent', 'the component has no `load`: it takes no script')
    this.#expect('new')
    return this.#invoke(context, timeoutMs, fuel, async () => {
      const answer = await callLoad(entry, script)
      if (answer.ok) plugHoles(entry.access)
      return answer
    })
  }

  /** wasi:http. `ended` settles when the guest's stack has unwound and the instance is `unknown`. */
  startHttp(
    request: GuestRequest,
    context: InvocationContext,
    timeoutMs: number,
    fuel: bigint,
  ): { readonly response: Promise<GuestResponse>; readonly ended: Promise<void> } {
    const entry = this.#http
    if (entry === undefined)
      throw new AmpouleError('InvalidRequest', `function ${this.#source.spec.name} has no wasi:http handler`)
    const { maxRequestBytes, maxResponseBytes } = this.#source.spec.limits
    let call: HttpCall | undefined
    const ended = this.#invoke(context, timeoutMs, fuel, async () => {
      call = this.#wasi.http(request, {
        maxRequestBodyBytes: maxRequestBytes,
        maxBodyBytes: maxResponseBytes,
        maxHeaderBytes: MAX_HEADER_BYTES,
      })
      await entry(call.request, call.responseOut)
    })
    // Without handles the invocation has failed already, and `ended` says how.
    return {
      response:
        call === undefined
          ? ended.then(() => Promise.reject(new AmpouleError('Internal', 'no wasi:http handles')))
          : call.response,
      ended,
    }
  }

  /** Goes on initialising from the snapshot that was adopted. Throws `MemoryExceeded` when that takes more than the function may have. */
  reopen(): void {
    this.#expect('ready')
    this.#account.requireRoom(this.#source.spec.name)
    this.#state = 'new'
  }

  /** After a call that belongs to initialisation: what it left behind becomes part of the snapshot. */
  keep(): void {
    this.#expect('unknown')
    this.#account.forgetPeak()
    this.#state = 'new'
  }

  async #invoke<T>(context: InvocationContext, timeoutMs: number, fuel: bigint, body: () => Promise<T>): Promise<T> {
    if (this.#state !== 'ready' && this.#state !== 'new')
      throw new AmpouleError('Internal', `an instance in state ${this.#state} was invoked`)
    this.#state = 'running'
    this.#context = context
    this.#meter.begin({ fuel, deadlineAt: performance.now() + timeoutMs, timeoutMs })
    const deadline = setTimeout(() => this.#abort(deadlineExceeded(timeoutMs)), timeoutMs)
    const cancel = (): void => this.#abort(new AmpouleError('Cancelled', 'the client went away'))
    context.signal.addEventListener('abort', cancel)
    let failure: unknown
    try {
      if (context.signal.aborted) cancel()
      return await body()
    } catch (error) {
      failure = toAmpouleError(error, this.#meter, this.#account)
      throw failure
    } finally {
      clearTimeout(deadline)
      context.signal.removeEventListener('abort', cancel)
      this.#stdout.flush()
      this.#stderr.flush()
      this.#waits.end()
      this.#wasi.finish(failure)
      this.#context = undefined
      this.#state = 'unknown'
    }
  }

  /** Dooms first, so that a guest that catches the rejection is killed at its next check (ISOLATION.md 12). */
  #abort(reason: AmpouleError): void {
    if (this.#state !== 'running') return
    this.#meter.doom(reason)
    this.#waits.reject(reason)
    const { generation } = this.#waits
    setTimeout(() => {
      if (this.#waits.generation === generation && this.#state === 'running') this.#source.stuck()
    }, UNWIND_MS).unref()
  }

  // --- restoring ---

  #restoreAll(): boolean {
    for (const core of this.#cores) {
      if (((core.changed?.() ?? 0) & TABLE_GREW) !== 0) return false
      core.restore?.()
    }
    if (!this.#memories.restore()) return false
    this.#wasi.restore(this.#wasiState)
    this.#account.reset()
    this.#giveBack()
    this.#stdout.clear()
    this.#stderr.clear()
    return this.#waits.pending === 0
  }

  #giveBack(): void {
    if (this.#reserved === 0) return
    this.#source.reserve(-this.#reserved)
    this.#reserved = 0
  }

  #verify(): boolean {
    return (
      this.#cores.every((core) => (core.changed?.() ?? 0) === 0) && this.#memories.verify() && this.#wasi.equals(this.#wasiState)
    )
  }

  // --- linking ---

  #hooks(): LinkHooks {
    const { initialisation, reports } = this.#source
    const accesses = new Map<string, CanonicalAccess>()
    const counters = new Map<number, Counter>()
    return {
      ...(initialisation !== undefined && {
        initialise: (_, module, exports, imports) => initialise(initialisation[module]!, reports[module]!, exports, imports),
      }),
      ampoule: (instance) => {
        const counter = this.#meter.counter()
        counters.set(instance, counter)
        return {
          refuel: counter.refuel,
          get yield() {
            return new WebAssembly.Suspending(counter.yield)
          },
          'grow-memory': (index: number, from: bigint, to: bigint) => this.#growMemory(instance, index, Number(from), Number(to)),
          'grow-table': (_index: number, from: bigint, to: bigint) =>
            this.#charge(Number(to - from) * TABLE_ENTRY_BYTES) ? 1 : 0,
        }
      },
      instantiated: (instance, exports) => {
        counters.get(instance)?.attach(exports)
        this.#findMemories(instance, exports)
      },
      hostFunction: (item, resolve) => {
        const options = item.kind === 'lower' ? item : { memory: undefined, realloc: undefined }
        const key = JSON.stringify([options.memory, options.realloc])
        const access = accesses.get(key) ?? this.#access(options, resolve)
        accesses.set(key, access)
        const lowered = this.#wasi.lower(item, access)
        if (lowered === undefined) throw new AmpouleError('InvalidComponent', `no host function for ${JSON.stringify(item)}`)
        return lowered.suspending ? new WebAssembly.Suspending(lowered.call) : lowered.call
      },
    }
  }

  #growMemory(instance: number, index: number, from: number, to: number): number {
    const report = this.#report(instance)?.memories.find((memory) => memory.index === index)
    if (report === undefined || (report.maxPages !== undefined && to > report.maxPages)) return 0
    const unit = 2 ** report.pageSizeLog2
    const bytes = (to - from) * unit
    if (!this.#charge(bytes)) return 0
    if (!this.#source.reserve(bytes)) return 0
    this.#reserved += bytes
    return this.#memories.grow(instance, index, from * unit, to * unit) ? 1 : 0
  }

  #charge(bytes: number): boolean {
    // Between two invocations the account is put back as a whole, and must not stand in the way of a restore.
    if (this.#state === 'unknown') return true
    return this.#meter.doomed === undefined && this.#account.charge(bytes)
  }

  #chargeInitial(bytes: number): void {
    if (this.#account.charge(bytes)) return
    const needed = Math.ceil((this.#account.used + bytes) / 1024 / 1024)
    throw new AmpouleError(
      'MemoryExceeded',
      `function ${this.#source.spec.name} needs more than ${needed} MB before it has run; its limit is ${this.#source.spec.limits.memoryMb} MB ("memoryMb")`,
    )
  }

  #findState(): void {
    for (const [instance, exports] of this.#linked.instances.entries()) {
      const report = this.#report(instance)
      if (exports === undefined || report === undefined) continue
      this.#cores.push({
        save: exports['ampoule:save'] as (() => void) | undefined,
        restore: exports['ampoule:restore'] as (() => void) | undefined,
        changed: exports['ampoule:changed'] as (() => number) | undefined,
      })
    }
  }

  /** As soon as they are there: start functions of modules that follow call the host already (`_initialize` of Go, for one). */
  #findMemories(instance: number, exports: WebAssembly.Exports): void {
    for (const memory of this.#report(instance)?.memories ?? []) {
      if (memory.from !== undefined) continue
      this.#memories.add(instance, memory, exports[`ampoule:memory${memory.index}`] as WebAssembly.Memory)
    }
  }

  #findExports(): void {
    const { event, load, exchange, http } = this.#source.plan.exports
    if (event !== undefined) this.#event = this.#bytesFunction(event)
    if (load !== undefined) this.#load = this.#bytesFunction(load)
    if (exchange !== undefined) this.#exchange = this.#bytesFunction(exchange)
    if (http !== undefined) this.#http = this.#promising(http.func)
  }

  #bytesFunction(lifted: LiftedExport): BytesFunction {
    return {
      access: this.#access(lifted, (ref) => this.#linked.resolve(ref)),
      call: this.#promising(lifted.func),
      postReturn: lifted.postReturn === undefined ? undefined : this.#promising(lifted.postReturn),
    }
  }

  #access(options: Pick<LiftedExport, 'memory' | 'realloc'>, resolve: Resolve): CanonicalAccess {
    return new CanonicalAccess(
      this.#source.scheduler,
      () => this.#guestMemory(options.memory, resolve),
      () => asFunction(options.realloc, resolve),
    )
  }

  #promising(ref: CoreRef): (...args: number[]) => Promise<number> {
    return WebAssembly.promising(this.#linked.resolve(ref) as (...args: number[]) => number)
  }

  #guestMemory(ref: CoreRef | undefined, resolve: Resolve): GuestMemory {
    const guest = ref === undefined ? undefined : this.#memories.of(resolve(ref))
    if (guest === undefined) throw new WebAssembly.RuntimeError('a canonical function needs a memory and has none')
    return guest
  }

  #report(instance: number): InstrumentReport | undefined {
    const core = this.#source.plan.instances[instance]
    return core?.kind === 'module' ? this.#source.reports[core.module] : undefined
  }

  #reportsByInstance(): InstrumentReport[] {
    return this.#source.plan.instances.flatMap((_, i) => this.#report(i) ?? [])
  }

  // --- what WASI sees ---

  #environment(): WasiEnvironment {
    const { spec, mounts } = this.#source
    return {
      mounts,
      wallClock: () => BigInt(Date.now()) * 1_000_000n,
      monotonicClock: () => process.hrtime.bigint(),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      args: [spec.name],
      variables: spec.variables,
      log: (stream, bytes) => (stream === 'stdout' ? this.#stdout : this.#stderr).write(bytes),
      charge: (bytes) => this.#charge(bytes),
      credit: (bytes) => this.#account.credit(bytes),
      assertAlive: () => {
        if (this.#meter.doomed !== undefined) throw this.#meter.doomed
      },
      suspend: (start) => this.#waits.suspend(start),
      work: (units) => this.#meter.charge(units),
    }
  }

  #expect(state: State): void {
    if (this.#state !== state) throw new AmpouleError('Internal', `the instance is ${this.#state}, not ${state}`)
  }
}

/** An aborted guest's stack has unwound by then, or its lane is given up: one slice and the turns of all other guests fit in many times. */
const UNWIND_MS = 5_000
export const MAX_HEADER_BYTES = 65_536
