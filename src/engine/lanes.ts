import { Worker } from 'node:worker_threads'
import { AmpouleError, fromMessage, toMessage } from '../errors.ts'
import type { DeployedFunction, LaneGroup, LaneOptions } from './contract.ts'
import { MAX_FUNCTIONS, SharedCounts, type CounterIndex } from './counts.ts'
import { Forge } from './forge.ts'
import { Heartbeats } from './heartbeats.ts'
import type { FromLane, LaneFunction, LaneWorkerData, ToLane } from './lane-messages.ts'
import { Quotas } from './quotas.ts'
import { LaneRequests, type Request } from './lane-requests.ts'
import type { RestoreStrategy } from './restore/contract.ts'
import { chooseStrategy } from './restore/index.ts'
import { releaseSnapshot } from './snapshot.ts'

/** Between two starts of the same lane, when it keeps dying. */
const RESTART_MS = 250

/** Starts one thread per lane; resolves when all of them listen. */
export async function startLanes(options: LaneOptions): Promise<LaneGroup> {
  const group = new Lanes(options)
  await group.start()
  return group
}

/** The lanes of this process: who lives, what they serve, what replaces one that died. */
class Lanes implements LaneGroup {
  readonly port: number
  readonly #options: LaneOptions
  readonly #strategy: RestoreStrategy
  readonly #forge: Forge
  readonly #counts: SharedCounts
  readonly #quotas: Quotas
  readonly #heartbeats: Heartbeats
  /** Those that listen. */
  readonly #lanes: (Worker | undefined)[] = []
  readonly #functions = new Map<string, Omit<LaneFunction, 'minInstances'>>()
  readonly #requests = new LaneRequests()
  /** What is let go as soon as no invocation stands on it any more. */
  readonly #releasing = new Set<Promise<void>>()
  /** Counters of functions that are gone. */
  readonly #freeIndexes: CounterIndex[] = []
  /** Lanes that do not listen yet. */
  readonly #starting = new Set<Promise<void>>()
  /** The last deployment, done or not: they go one after the other. */
  #deployed: Promise<void> = Promise.resolve()
  #stopping = false
  #nextId = 1
  #nextIndex = 0
  /** What lanes that start from now on are given. */
  #program: unknown

  constructor(options: LaneOptions) {
    this.#options = options
    this.port = options.data.port
    this.#program = options.data.program
    this.#strategy = chooseStrategy(options.restore).strategy
    this.#forge = new Forge(this.#strategy)
    // The last lane number is this thread's, which runs nothing.
    this.#counts = new SharedCounts(options.lanes, options.lanes - 1)
    this.#quotas = new Quotas(this.#counts)
    this.#heartbeats = new Heartbeats(options.lanes, options.watch)
  }

  async start(): Promise<void> {
    await this.#prepareAll()
    const started = await Promise.allSettled(Array.from({ length: this.#options.lanes }, (_, lane) => this.#startLane(lane)))
    const failed = started.find((result) => result.status === 'rejected')
    if (failed !== undefined) {
      await this.stop(0)
      throw failed.reason
    }
  }

  /** All are tried, so that all that fail can be told. */
  async #prepareAll(): Promise<void> {
    const failures: AmpouleError[] = []
    for (const fn of this.#options.functions) {
      try {
        await this.#prepare(fn)
      } catch (error) {
        failures.push(error instanceof AmpouleError ? error : new AmpouleError('Internal', 'the forge failed', { cause: error }))
      }
    }
    const [first] = failures
    if (first === undefined) return
    await this.stop(0)
    if (failures.length === 1) throw first
    const message = failures.map((failure) => failure.message).join('\n')
    throw new AmpouleError(first.code, message, { cause: new AggregateError(failures, message) })
  }

  deploy(fn: DeployedFunction, signal?: AbortSignal): Promise<void> {
    return this.#inOrder(() => this.#deploy(fn, signal))
  }

  update(program: unknown): Promise<void> {
    return this.#inOrder(async () => {
      this.#program = program
      await this.#askAll(() => ({ kind: 'update', id: this.#nextId++, program }))
    })
  }

  remove(name: string): Promise<void> {
    return this.#inOrder(async () => {
      const old = this.#functions.get(name)
      this.#functions.delete(name)
      const { released } = await this.#askAll(() => ({ kind: 'remove', id: this.#nextId++, name }))
      if (old === undefined) return
      this.#release(released, () => {
        this.#freeSnapshot(old)
        this.#freeIndexes.push(old.index)
        this.#quotas.give(old.spec.quota)
      })
    })
  }

  async tell(message: unknown): Promise<void> {
    await this.#askAll(() => ({ kind: 'tell', id: this.#nextId++, message }))
  }

  instances(name: string): number {
    const fn = this.#functions.get(name)
    return fn === undefined ? 0 : this.#counts.alive(fn.index)
  }

  provisionedInUse(name: string): number {
    const fn = this.#functions.get(name)
    return fn === undefined ? 0 : this.#counts.provisionedInUse(fn.index)
  }

  provision(name: string, instances: number): Promise<void> {
    return this.#inOrder(async () => {
      const fn = this.#functions.get(name)
      if (fn === undefined) return
      const spec = { ...fn.spec, minInstances: instances, provisioned: instances }
      this.#functions.set(name, { ...fn, spec })
      await this.#askAll((lane) => ({
        kind: 'provision',
        id: this.#nextId++,
        name,
        instances,
        minInstances: this.#share({ spec }, lane),
      }))
    })
  }

  limit(quota: string | undefined, most: number | undefined): void {
    this.#quotas.limit(quota, most)
  }

  #inOrder(change: () => Promise<void>): Promise<void> {
    const changed = this.#deployed.then(change)
    this.#deployed = changed.catch(() => undefined)
    return changed
  }

  /**
   * Every lane that serves; those that are starting are waited for, as they may have been given what was there before. Gives a promise for
   * the time when none of them stands on what it had before.
   */
  async #askAll(message: (lane: number) => Request): Promise<{ readonly released: Promise<unknown> }> {
    await Promise.allSettled(this.#starting)
    const asked = this.#lanes.flatMap((lane, number) => (lane === undefined ? [] : [this.#requests.ask(lane, message(number))]))
    await Promise.all(asked.map(({ done }) => done))
    return { released: Promise.all(asked.map(({ released }) => released)) }
  }

  #release(released: Promise<unknown>, free: () => void): void {
    const all: Promise<void> = released.then(() => {
      free()
      this.#releasing.delete(all)
    })
    this.#releasing.add(all)
  }

  async #deploy(fn: DeployedFunction, signal: AbortSignal | undefined): Promise<void> {
    const old = this.#functions.get(fn.spec.name)
    const prepared = await this.#prepare(fn, signal)
    const { released } = await this.#askAll((lane) => ({
      kind: 'deploy',
      id: this.#nextId++,
      fn: { ...prepared, minInstances: this.#share(fn, lane) },
    }))
    if (old === undefined) return
    this.#release(released, () => {
      this.#freeSnapshot(old)
      if (old.spec.quota !== fn.spec.quota) this.#quotas.give(old.spec.quota)
    })
  }

  #freeSnapshot({ material }: Omit<LaneFunction, 'minInstances'>): void {
    if (material.snapshot !== undefined) releaseSnapshot(material.snapshot, this.#strategy)
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    await Promise.allSettled(this.#starting)
    await Promise.all(this.#lanes.flatMap((lane) => (lane === undefined ? [] : [stopLane(lane, graceMs)])))
    this.#heartbeats.close()
    await Promise.all(this.#releasing)
    await this.#forge.close()
    for (const fn of this.#functions.values()) this.#freeSnapshot(fn)
    this.#functions.clear()
  }

  async #prepare(fn: DeployedFunction, signal?: AbortSignal): Promise<Omit<LaneFunction, 'minInstances'>> {
    const material = await this.#forge.prepare(fn, signal)
    const old = this.#functions.get(fn.spec.name)
    const quota = old?.spec.quota === fn.spec.quota ? old?.quota : this.#quotas.take(fn.spec.quota)
    const index = old?.index ?? this.#freeIndexes.pop() ?? this.#newIndex()
    const prepared = { spec: fn.spec, material, index, quota }
    this.#functions.set(fn.spec.name, prepared)
    return prepared
  }

  #newIndex(): CounterIndex {
    if (this.#nextIndex >= MAX_FUNCTIONS)
      throw new AmpouleError('HostCapacity', `${MAX_FUNCTIONS} functions are loaded, the most that one host has counters for`)
    return this.#nextIndex++ as CounterIndex
  }

  /** The part of a function's minimum that one lane keeps ready. */
  #share({ spec }: { readonly spec: LaneFunction['spec'] }, lane: number): number {
    const { lanes } = this.#options
    return Math.floor(spec.minInstances / lanes) + (lane < spec.minInstances % lanes ? 1 : 0)
  }

  #startLane(number: number): Promise<void> {
    const starting = this.#startThread(number)
    this.#starting.add(starting)
    const settled = (): void => void this.#starting.delete(starting)
    starting.then(settled, settled)
    return starting
  }

  #startThread(number: number): Promise<void> {
    const options = this.#options
    const { lanes } = options
    const workerData: LaneWorkerData = {
      lane: number,
      lanes,
      program: options.program.href,
      data: { ...options.data, program: this.#program },
      functions: [...this.#functions.values()].map((fn) => ({ ...fn, minInstances: this.#share(fn, number) })),
      counts: this.#counts.buffer,
      heartbeats: this.#heartbeats.buffer,
      ceilingKib: options.memoryCeilingMb * 1024,
      restore: this.#strategy.name,
      verifyEvery: options.verifyEvery,
    }
    const worker = new Worker(new URL('./lane-worker.ts', import.meta.url), { workerData })
    const asker = worker.threadId
    return new Promise((resolve, reject) => {
      let failure: unknown
      this.#heartbeats.watch(number, worker, (reason) => (failure = reason))
      worker.on('message', (message: FromLane) => {
        switch (message.kind) {
          case 'ready':
            this.#lanes[number] = worker
            resolve()
            break
          case 'failed':
            failure = fromMessage(message.error)
            void worker.terminate()
            break
          case 'evict':
            this.#evictElsewhere(worker, message.name)
            break
          case 'ask':
            this.#answer(worker, asker, message.question, message.content)
            break
          case 'done':
          case 'released':
            this.#requests.answered(message)
            break
          case 'stopped':
            break
          default:
            message satisfies never
        }
      })
      worker.on('error', (error) => (failure = error))
      worker.on('exit', (code) => {
        this.#counts.forget(number)
        this.#requests.ended(worker)
        if (!this.#stopping) this.#options.died?.(asker)
        const error = failure instanceof Error ? failure : new AmpouleError('Internal', `lane ${number} ended with code ${code}`)
        const served = this.#lanes[number] === worker
        if (!served) return reject(error)
        this.#lanes[number] = undefined
        if (!this.#stopping) this.#replace(number, error)
      })
    })
  }

  #replace(number: number, error: Error): void {
    this.#options.onLaneFailure(error)
    setTimeout(() => {
      if (this.#stopping) return
      this.#startLane(number).catch((again: unknown) => {
        if (!this.#stopping) this.#replace(number, again instanceof Error ? again : new Error(String(again)))
      })
    }, RESTART_MS)
  }

  #evictElsewhere(asking: Worker, name: string | undefined): void {
    for (const lane of this.#lanes) {
      if (lane !== undefined && lane !== asking) lane.postMessage({ kind: 'evict', name } satisfies ToLane)
    }
  }

  #answer(worker: Worker, asker: number, question: number, content: unknown): void {
    const answered = this.#options.answer?.(content, asker) ?? Promise.reject(new Error('nobody answers'))
    answered.then(
      (answer) => worker.postMessage({ kind: 'answer', question, answer } satisfies ToLane),
      (error: unknown) => worker.postMessage({ kind: 'unanswered', question, error: toMessage(error) } satisfies ToLane),
    )
  }
}

/** A lane that does not end in time by itself is ended. */
const STOP_MARGIN_MS = 2_000

async function stopLane(worker: Worker, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, graceMs + STOP_MARGIN_MS)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    worker.on('message', (message: FromLane) => message.kind === 'stopped' && done())
    worker.on('exit', done)
    worker.postMessage({ kind: 'stop', graceMs } satisfies ToLane)
  })
  await worker.terminate()
}
