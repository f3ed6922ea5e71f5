import { deriveComponent } from '../src/component/artifact.ts'
import type { CoreRef, LiftedExport, Linked, LinkPlan } from '../src/component/contract.ts'
import { prepareLink } from '../src/component/link.ts'
import { Meter, type Counter } from '../src/engine/meter.ts'
import { SliceScheduler } from '../src/engine/slices.ts'
import type { CanonicalOptions, WasiEnvironment } from '../src/wasi/contract.ts'
import { createWasi } from '../src/wasi/index.ts'
import { decodeHttpAnswer, encodeHttpEvent } from '../src/triggers/http-event.ts'
import { instrumentModule } from '../src/wasm/index.ts'
import { benchGuest } from './guests.ts'
import { copyOf, type Workload } from './metering-workload.ts'

/** How often each workload (bench/guests/workloads.ts) repeats its work in one call: about 3 ms. */
const TIMES = {
  quickjs: { tasks: 3, shapes: 10, strings: 18, json: 18, expressions: 12, sorting: 18, numbers: 40, maps: 14 },
  starlingmonkey: { tasks: 1, shapes: 4, strings: 12, json: 50, expressions: 8, sorting: 16, numbers: 40, maps: 12 },
} as const

const TITLES = { quickjs: 'QuickJS', starlingmonkey: 'StarlingMonkey' } as const

type CoreFunction = (...args: number[]) => number

const DEADLINE_MS = 60_000
const FUEL = 2n ** 60n

/** The same component as it is and instrumented, linked and called in the same way; neither is ever restored. */
export async function engineVariants(
  engine: keyof typeof TIMES,
): Promise<{ readonly title: string; readonly workloads: Workload[] }> {
  const { plan, modules } = deriveComponent(await benchGuest(`${engine}-workloads`))
  const plain = new EngineGuest(plan, modules)
  const instrumented = new EngineGuest(
    plan,
    modules.map((bytes) => instrumentModule(bytes).bytes),
  )
  const again = new EngineGuest(plan, modules.map(copyOf))
  const workloads = Object.entries(TIMES[engine]).map(([name, times]) => {
    const event = eventOf(name, times)
    return {
      name,
      plain: { run: () => plain.call(event) },
      again: { run: () => again.call(event) },
      instrumented: { run: () => instrumented.call(event), fuel: () => instrumented.fuelUsed },
    }
  })
  return { title: TITLES[engine], workloads }
}

const eventOf = (workload: string, times: number): Uint8Array =>
  encodeHttpEvent(
    {
      id: 'bench',
      functionName: 'bench',
      deadlineMs: Date.now() + 600_000,
      method: 'POST',
      url: 'http://localhost/bench',
      headers: [['content-type', 'application/json']],
      body: Buffer.from(JSON.stringify({ workload, times })),
    },
    'json',
  )

/** One instance of an event component whose core modules may be instrumented or not; fuel comes in the engine's own slices. */
class EngineGuest {
  readonly #scheduler = new SliceScheduler()
  readonly #meter = new Meter(this.#scheduler)
  readonly #options: CanonicalOptions
  readonly #handle: (pointer: number, length: number) => Promise<number>
  readonly #postReturn: (result: number) => Promise<unknown>

  constructor(plan: LinkPlan, modules: readonly Uint8Array<ArrayBuffer>[]) {
    const { event } = plan.exports
    if (event?.postReturn === undefined) throw new Error('the component has no event handler')
    const link = prepareLink(
      plan,
      modules.map((bytes) => new WebAssembly.Module(bytes)),
    )
    this.#begin()
    const linked = this.#scheduler.sync(() => this.#link(link))
    this.#options = this.#access(event, (ref) => linked.resolve(ref))
    this.#handle = WebAssembly.promising(linked.resolve(event.func) as CoreFunction)
    this.#postReturn = WebAssembly.promising(linked.resolve(event.postReturn) as CoreFunction)
  }

  get fuelUsed(): number {
    return Number(this.#meter.used)
  }

  /** The body of the guest's answer. */
  async call(event: Uint8Array): Promise<string> {
    this.#begin()
    const pointer = this.#options.realloc(0, 0, 1, event.length)
    this.#options.bytes().set(event, pointer)
    const result = await this.#handle(pointer, event.length)
    const view = this.#options.view()
    const start = view.getUint32(result + 4, true)
    const payload = Buffer.from(this.#options.bytes().slice(start, start + view.getUint32(result + 8, true)))
    if (view.getUint8(result) !== 0) throw new Error(`the guest failed: ${payload.toString('latin1')}`)
    await this.#postReturn(result)
    return String(decodeHttpAnswer(payload, 'json').body)
  }

  #begin(): void {
    this.#meter.begin({ fuel: FUEL, deadlineAt: performance.now() + DEADLINE_MS, timeoutMs: DEADLINE_MS })
  }

  #link(link: ReturnType<typeof prepareLink>): Linked {
    const wasi = createWasi(environment)
    const counters = new Map<number, Counter>()
    return link({
      ampoule: (instance) => {
        const counter = this.#meter.counter()
        counters.set(instance, counter)
        return {
          refuel: counter.refuel,
          yield: new WebAssembly.Suspending(counter.yield),
          'grow-memory': () => 1,
          'grow-table': () => 1,
        }
      },
      instantiated: (instance, exports) => counters.get(instance)?.attach(exports),
      hostFunction: (item, resolve) => {
        const options = item.kind === 'lower' ? item : { memory: undefined, realloc: undefined }
        const lowered = wasi.lower(item, this.#access(options, resolve))
        if (lowered === undefined) throw new Error(`no host function for ${JSON.stringify(item)}`)
        return lowered.suspending ? new WebAssembly.Suspending(lowered.call) : lowered.call
      },
    })
  }

  /** By the real size of the memory, which both variants have. */
  #access(
    { memory, realloc }: Pick<LiftedExport, 'memory' | 'realloc'>,
    resolve: (ref: CoreRef) => WebAssembly.ExportValue,
  ): CanonicalOptions {
    const need = (ref: CoreRef | undefined): WebAssembly.ExportValue => {
      if (ref === undefined) throw new Error('a canonical function lacks its memory or cabi_realloc')
      return resolve(ref)
    }
    const buffer = (): ArrayBuffer => (need(memory) as WebAssembly.Memory).buffer
    return {
      bytes: () => new Uint8Array(buffer()),
      view: () => new DataView(buffer()),
      size: () => buffer().byteLength,
      realloc: (...args) => this.#scheduler.sync(() => (need(realloc) as CoreFunction)(...args)) >>> 0,
    }
  }
}

const environment: WasiEnvironment = {
  wallClock: () => BigInt(Date.now()) * 1_000_000n,
  monotonicClock: () => process.hrtime.bigint(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  args: ['bench'],
  variables: [],
  log: () => {},
  charge: () => true,
  credit: () => {},
  assertAlive: () => {},
  suspend: (start) => new Promise((resolve, reject) => void start(resolve, reject)),
}
