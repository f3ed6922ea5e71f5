import { Worker } from 'node:worker_threads'
import { AmpouleError, fromMessage } from '../errors.ts'
import type { DeployedFunction, LaneGroup, LaneOptions } from './contract.ts'
import { SharedCounts, type CounterIndex } from './counts.ts'
import { Forge } from './forge.ts'
import { Heartbeats } from './heartbeats.ts'
import type { FromLane, LaneFunction, LaneWorkerData, ToLane } from './lane-messages.ts'
import type { RestoreStrategy } from './restore/contract.ts'
import { chooseStrategy } from './restore/index.ts'
import { releaseSnapshot } from './snapshot.ts'

/** Between two starts of the same lane, when it keeps dying. */
const RESTART_MS = 250

/** What a lane answers with `done`. */
type Request = Extract<ToLane, { readonly id: number }>

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
  readonly #heartbeats: Heartbeats
  /** Those that listen. */
  readonly #lanes: (Worker | undefined)[] = []
  readonly #functions = new Map<string, Omit<LaneFunction, 'minInstances'>>()
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
      await this.#askAll(() => ({ kind: 'remove', id: this.#nextId++, name }))
      if (old?.material.snapshot !== undefined) releaseSnapshot(old.material.snapshot, this.#strategy)
    })
  }

  #inOrder(change: () => Promise<void>): Promise<void> {
    const changed = this.#deployed.then(change)
    this.#deployed = changed.catch(() => undefined)
    return changed
  }

  /** Every lane that serves; those that are starting are waited for, as they may have been given what was there before. */
  async #askAll(message: (lane: number) => Request): Promise<void> {
    await Promise.allSettled(this.#starting)
    await Promise.all(this.#lanes.flatMap((lane, number) => (lane === undefined ? [] : [this.#ask(lane, message(number))])))
  }

  async #deploy(fn: DeployedFunction, signal: AbortSignal | undefined): Promise<void> {
    const old = this.#functions.get(fn.spec.name)?.material.snapshot
    const prepared = await this.#prepare(fn, signal)
    await this.#askAll((lane) => ({
      kind: 'deploy',
      id: this.#nextId++,
      fn: { ...prepared, minInstances: this.#share(fn, lane) },
    }))
    if (old !== undefined) releaseSnapshot(old, this.#strategy)
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    await Promise.allSettled(this.#starting)
    await Promise.all(this.#lanes.flatMap((lane) => (lane === undefined ? [] : [stopLane(lane, graceMs)])))
    this.#heartbeats.close()
    await this.#forge.close()
    for (const { material } of this.#functions.values())
      if (material.snapshot !== undefined) releaseSnapshot(material.snapshot, this.#strategy)
    this.#functions.clear()
  }

  async #prepare(fn: DeployedFunction, signal?: AbortSignal): Promise<Omit<LaneFunction, 'minInstances'>> {
    const material = await this.#forge.prepare(fn, signal)
    const index = this.#functions.get(fn.spec.name)?.index ?? (this.#nextIndex++ as CounterIndex)
    const prepared = { spec: fn.spec, material, index }
    this.#functions.set(fn.spec.name, prepared)
    return prepared
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
          case 'done':
          case 'stopped':
            break
          default:
            message satisfies never
        }
      })
      worker.on('error', (error) => (failure = error))
      worker.on('exit', (code) => {
        this.#counts.forget(number)
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

  #ask(worker: Worker, request: Request): Promise<void> {
    const { id } = request
    return new Promise((resolve, reject) => {
      const answered = (message: FromLane): void => {
        if (message.kind !== 'done' || message.id !== id) return
        done()
        if (message.error === undefined) resolve()
        else reject(fromMessage(message.error))
      }
      // A lane that dies meanwhile is replaced by one that has the function from its start.
      const exited = (): void => {
        done()
        resolve()
      }
      const done = (): void => void worker.off('message', answered).off('exit', exited)
      worker.on('message', answered).on('exit', exited)
      worker.postMessage(request)
    })
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
