import { readFile } from 'node:fs/promises'
import { instrumentModule } from '../src/wasm/index.ts'
import { compare, geometricMean, median, type Row, type Samples } from './harness.ts'
import { engineVariants } from './metering-engines.ts'
import { GrantingFuel } from './metering-fuel.ts'
import { copyOf, type Workload } from './metering-workload.ts'

/**
 * A sample is the fastest of some short calls, so that a busy machine, which interrupts some of them, hardly shows; rounds go over
 * all variants in turn.
 */
const CALLS = 5
const ROUNDS = 13
/** Time on a core before the measured rounds: until V8 has optimised what runs. */
const WARM_MS = 400

/** How often each kernel repeats its work in one call: about 2 ms. */
const TIMES = {
  fib: 20,
  ackermann: 14,
  matmul: 4,
  nbody: 15,
  mandelbrot: 3,
  sieve: 14,
  life: 16,
  sha256: 60,
  crc32: 200,
  quicksort: 10,
  hashtable: 12,
  tree: 18,
  indirect: 200,
  vm: 60,
  build: 30,
  json: 30,
  strlen: 100,
  wordcount: 10,
  copy: 140,
  simd: 2000,
} as const

interface Measured {
  readonly name: string
  readonly plain: Samples
  readonly instrumented: Samples
  readonly again: Samples | undefined
  readonly fuelPerMs: number
}

/** What metering (with the limits and the restorable state that come with it) costs in guest time, and how steadily fuel is burnt. */
export async function run(): Promise<readonly Row[]> {
  const kernels: Measured[] = []
  for (const workload of await kernelWorkloads()) kernels.push(await measure(workload))
  const rows = summary('kernels', kernels, 1.3)
  const all = [...kernels]
  for (const [engine, wanted] of [
    ['quickjs', 1.3],
    ['starlingmonkey', 1.25],
  ] as const) {
    const { title, workloads } = await engineVariants(engine)
    const measured: Measured[] = []
    for (const workload of workloads) measured.push(await measure(workload))
    rows.push(...summary(title, measured, wanted))
    all.push(...measured)
  }
  rows.push(furthest(all))
  return rows
}

async function kernelWorkloads(): Promise<Workload[]> {
  const bytes = await readFile(new URL('./kernels/kernels.wasm', import.meta.url))
  const plain = functionsOf(exportsOf(bytes))
  const again = functionsOf(exportsOf(copyOf(bytes)))
  const fuel = new GrantingFuel()
  const exports = exportsOf(instrumentModule(bytes).bytes, { ampoule: fuel.imports })
  fuel.attach(exports)
  const instrumented = functionsOf(exports)
  return Object.entries(TIMES).map(([name, times]) => ({
    name,
    plain: { run: () => plain(name)(times) },
    again: { run: () => again(name)(times) },
    instrumented: {
      run: () => {
        fuel.begin()
        return instrumented(name)(times)
      },
      fuel: () => fuel.used,
    },
  }))
}

const exportsOf = (bytes: Uint8Array<ArrayBuffer>, imports: WebAssembly.Imports = {}): WebAssembly.Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports

function functionsOf(exports: WebAssembly.Exports): (name: string) => (times: number) => number {
  return (name) => exports[name] as (times: number) => number
}

async function measure({ name, plain, instrumented, again }: Workload): Promise<Measured> {
  const variants = again === undefined ? [plain, instrumented] : [plain, instrumented, again]
  const answers = new Set<number | string>()
  for (const { run } of variants) {
    const until = cpuMs() + WARM_MS
    while (cpuMs() < until) answers.add(await run())
  }
  const values: number[][] = variants.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { run }] of variants.entries()) {
      let fastest = Infinity
      for (let call = 0; call < CALLS; call++) {
        const started = performance.now()
        const answer = await run()
        fastest = Math.min(fastest, performance.now() - started)
        answers.add(answer)
      }
      values[i]!.push(fastest)
    }
  }
  if (answers.size !== 1) throw new Error(`${name}: the variants answer differently: ${[...answers].join(', ')}`)
  const [one, two, three] = values.map((ms): Samples => ({ name, unit: 'ms', values: ms }))
  // By the fastest sample: workloads run one after the other, so the machine's slower moments would pass for differences between them.
  const fuelPerMs = (instrumented.fuel?.() ?? Number.NaN) / Math.min(...two!.values)
  return { name, plain: one!, instrumented: two!, again: three, fuelPerMs }
}

/** Time that this thread has spent on a core; too coarse on some systems (4 ms) to measure a call by it. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** One row per workload, then what the table of the issue asks for. */
function summary(title: string, measured: readonly Measured[], wanted: number): Row[] {
  const rows = measured.map((one) =>
    compare({ ...one.instrumented, name: `${title}: ${one.name}` }, { ...one.plain, name: 'plain' }),
  )
  const ratios = rows.map(({ ratio }) => ratio)
  const mean = geometricMean(ratios)
  rows.push(spread(`${title}: geometric mean of ${ratios.length}`, 'x', ratios, mean, 'plain', 1, `<= ${wanted}`))
  const noise = measured.flatMap(({ again, plain }) => (again === undefined ? [] : [median(again.values) / median(plain.values)]))
  if (noise.length > 0) rows.push(spread(`${title}: a second plain copy`, 'x', noise, geometricMean(noise), 'plain', 1))
  const byRate = measured.toSorted((a, b) => b.fuelPerMs - a.fuelPerMs)
  const [most, least] = [byRate[0]!, byRate.at(-1)!]
  const rates = byRate.map(({ fuelPerMs }) => fuelPerMs / 1e6)
  const name = `${title}: most fuel per ms (${most.name})`
  rows.push(spread(name, 'M', rates, most.fuelPerMs / 1e6, `least (${least.name})`, least.fuelPerMs / 1e6, '<= 3'))
  return rows
}

/** By which factor, up or down, a unit of fuel stands for another time than it does on average. */
function furthest(measured: readonly Measured[]): Row {
  const middle = geometricMean(measured.map(({ fuelPerMs }) => fuelPerMs))
  const off = (one: Measured): number => Math.exp(Math.abs(Math.log(one.fuelPerMs / middle)))
  const [worst] = measured.toSorted((a, b) => off(b) - off(a))
  const name = `all: fuel per ms furthest from the mean (${worst!.name})`
  const rates = measured.map(({ fuelPerMs }) => fuelPerMs / 1e6)
  return { ...spread(name, 'M', rates, worst!.fuelPerMs / 1e6, 'geometric mean', middle / 1e6, '<= 3'), ratio: off(worst!) }
}

/** A row over workloads instead of samples: `low` and `high` are the least and the greatest of them. */
function spread(
  name: string,
  unit: string,
  values: readonly number[],
  figure: number,
  reference: string,
  referenceMedian: number,
  wanted?: string,
): Row {
  return {
    case: name,
    unit,
    median: figure,
    low: Math.min(...values),
    high: Math.max(...values),
    reference,
    referenceMedian,
    ratio: figure / referenceMedian,
    ...(wanted === undefined ? {} : { wanted }),
  }
}
