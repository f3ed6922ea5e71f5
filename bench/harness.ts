import { cpus } from 'node:os'

/** One measured case, beside the reference that was measured in the same run. */
export interface Row {
  readonly case: string
  readonly unit: string
  readonly median: number
  /** 10th and 90th percentile of the samples. */
  readonly low: number
  readonly high: number
  readonly reference: string
  readonly referenceMedian: number
  /** How the case stands to its reference; its direction is in `wanted`. */
  readonly ratio: number
  /** What the ratio (or the median, where there is no reference) must reach, as text. */
  readonly wanted?: string
}

export interface Report {
  readonly bench: string
  readonly machine: string
  readonly rows: readonly Row[]
}

export interface Samples {
  readonly name: string
  readonly unit: string
  readonly values: readonly number[]
}

export const machine = (): string => {
  const [first] = cpus()
  return `${cpus().length} x ${first?.model.trim() ?? 'unknown'}, Node ${process.version}, ${process.platform} ${process.arch}`
}

export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

/** `ratio` is measured / reference in what the unit counts. */
export function compare(measured: Samples, reference: Samples, wanted?: string): Row {
  const middle = median(measured.values)
  const other = median(reference.values)
  return {
    case: measured.name,
    unit: measured.unit,
    median: middle,
    low: quantile(measured.values, 0.1),
    high: quantile(measured.values, 0.9),
    reference: reference.name,
    referenceMedian: other,
    ratio: middle / other,
    ...(wanted === undefined ? {} : { wanted }),
  }
}

/** A figure that stands alone, against a bound. */
export function absolute(measured: Samples, wanted: string): Row {
  return { ...compare(measured, { ...measured, name: '-' }), wanted }
}

/** Runs the bodies in turn, `rounds` times each, so that what disturbs the machine disturbs all of them. Milliseconds per call of `calls`. */
export async function interleave(
  bodies: readonly { readonly name: string; readonly calls: number; readonly run: (calls: number) => void | Promise<void> }[],
  rounds: number,
): Promise<Samples[]> {
  const values: number[][] = bodies.map(() => [])
  for (let round = -1; round < rounds; round++) {
    for (const [i, { calls, run }] of bodies.entries()) {
      const started = performance.now()
      await run(calls)
      // The first round warms up.
      if (round >= 0) values[i]!.push(((performance.now() - started) * 1000) / calls)
    }
  }
  return bodies.map(({ name }, i) => ({ name, unit: 'us', values: values[i]! }))
}

export function print(report: Report): void {
  console.log(`\n${report.bench}  (${report.machine})`)
  const cells = report.rows.map((row) => [
    row.case,
    `${format(row.median)} ${row.unit}`,
    `${format(row.low)} .. ${format(row.high)}`,
    row.reference === '-' ? '' : `${row.reference}: ${format(row.referenceMedian)}`,
    row.reference === '-' ? '' : row.ratio.toFixed(2),
    row.wanted ?? '',
  ])
  const head = ['case', 'median', 'p10 .. p90', 'reference', 'ratio', 'wanted']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)))
  for (const row of [head, ...cells]) console.log(row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '))
}

const format = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
