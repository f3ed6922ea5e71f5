import { createArtifact } from '../../src/component/artifact.ts'
import { readConfiguration } from '../../src/functions/configuration.ts'
import { toSpec } from '../../src/functions/settings.ts'
import { createGateway } from '../../src/gateway/gateway.ts'
import { InFlight } from '../../src/gateway/in-flight.ts'
import { listen } from '../../src/gateway/listen.ts'
import { openLocal, type LocalFunction } from '../../src/local.ts'
import type { ObservedRecord } from '../../src/observe/records.ts'
import { isSupported } from '../../src/wasi/index.ts'

export interface TestServer {
  readonly port: number
  readonly url: string
  /** Everything observed so far. */
  readonly records: readonly ObservedRecord[]
  /** Resolves with the first record, past or future, that `matches`; rejects after `DEADLINE_MS`. */
  record(matches: (record: ObservedRecord) => boolean): Promise<ObservedRecord>
  stop(graceMs?: number): Promise<void>
}

export const DEADLINE_MS = 15_000

export interface TestFunction {
  readonly component: Uint8Array
  /** As in `ampoule.jsonc`. */
  readonly settings?: object
}

/** A gateway with real functions on a free port, in this thread. */
export async function startServer(
  functions: Readonly<Record<string, TestFunction>>,
  options: { readonly dev?: boolean } = {},
): Promise<TestServer> {
  const text = JSON.stringify({
    functions: Object.fromEntries(
      Object.entries(functions).map(([name, { settings }]) => [name, { component: `${name}.wasm`, ...settings }]),
    ),
  })
  const configuration = readConfiguration(text, { file: 'test' })
  const hosted = new Map<string, LocalFunction>()
  for (const settings of configuration.functions) {
    const artifact = createArtifact(functions[settings.name]?.component ?? new Uint8Array(), { isSupported })
    hosted.set(settings.name, await openLocal(settings, { artifact, spec: toSpec(settings, configuration.host) }))
  }
  const records: ObservedRecord[] = []
  const waiting = new Set<() => void>()
  const observe = (record: ObservedRecord) => {
    records.push(record)
    for (const check of waiting) check()
  }
  const inFlight = new InFlight()
  const gateway = createGateway({
    functions: hosted,
    dev: options.dev ?? false,
    inFlight,
    invocations: { observe, reports: 'all', now: Date.now },
  })
  const listener = await listen(gateway, { host: '127.0.0.1', port: 0, reusePort: false, inFlight })
  return {
    port: listener.port,
    url: `http://127.0.0.1:${listener.port}`,
    records,
    record: (matches) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () =>
            reject(
              new Error(`no such record; there are ${JSON.stringify(records.map((one) => ({ ...one, report: undefined })))}`),
            ),
          DEADLINE_MS,
        )
        const check = () => {
          const found = records.find(matches)
          if (found === undefined) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve(found)
        }
        waiting.add(check)
        check()
      }),
    async stop(graceMs = 0) {
      await listener.stop(graceMs)
      await Promise.all([...hosted.values()].map((one) => one.close()))
    },
  }
}
