import { fileURLToPath } from 'node:url'
import { Agent } from 'node:http'
import { quantile, type Row } from './harness.ts'
import { freePort, node, post, serve } from './load.ts'

const BODY = '{"hello":"world","n":42}'
const CONNECTIONS = 8
const SECONDS = 6
const LOOPS = [0, 1, 8] as const

/** A small function while endless loops run in the same lane. */
export async function run(): Promise<readonly Row[]> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/c`
  const host = await serve(
    node(fileURLToPath(new URL('./http-host.ts', import.meta.url)), '--port', String(port), 'c', 'loop'),
    url,
    BODY,
  )
  const measured = new Map<number, number[]>()
  try {
    await measure(url)
    for (const loops of LOOPS) {
      const ends = new AbortController()
      const running = Array.from({ length: loops }, () =>
        fetch(`http://127.0.0.1:${port}/loop`, { method: 'POST', body: '', signal: ends.signal }).catch(() => undefined),
      )
      measured.set(loops, await measure(url))
      ends.abort()
      await Promise.all(running)
    }
  } finally {
    await host.stop()
  }
  return LOOPS.flatMap((loops) => {
    const values = measured.get(loops)!
    const base = measured.get(0)!
    const row = (name: string, q: number, wanted: string): Row => ({
      case: `${name} beside ${loops} endless loops, ${values.length} calls`,
      unit: 'ms',
      median: quantile(values, q),
      low: quantile(values, 0.1),
      high: quantile(values, 0.9),
      reference: 'beside none',
      referenceMedian: quantile(base, q),
      ratio: quantile(values, q) / quantile(base, q),
      wanted,
    })
    return loops === 0
      ? [row('p50', 0.5, ''), row('p99', 0.99, '')]
      : [row('p50', 0.5, '<= base + 2 ms'), row('p99', 0.99, '<= 15 ms')]
  })
}

/** Latencies in milliseconds, of `CONNECTIONS` clients that each send their next request when the last was answered. */
async function measure(url: string): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const latencies: number[] = []
  const until = performance.now() + SECONDS * 1000
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now()
      await post(url, BODY, agent)
      latencies.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  agent.destroy()
  return latencies
}
