import type { LaneData, LaneProgram } from './engine/contract.ts'
import { AmpouleError } from './errors.ts'
import type { FunctionSettings } from './functions/settings.ts'
import { createGateway } from './gateway/gateway.ts'
import { InFlight } from './gateway/in-flight.ts'
import { listen } from './gateway/listen.ts'
import type { HostedFunction } from './invoke/invoke.ts'
import { formatJson, formatText } from './observe/format.ts'
import { createWriter } from './observe/writer.ts'

/** What the host hands to every lane. Plain data. */
export interface LaneProgramData {
  readonly functions: readonly FunctionSettings[]
  readonly dev: boolean
  readonly logs: 'text' | 'json'
}

/** The composition root inside a lane: its own gateway over its own runners, its own listener. */
export const startLane: LaneProgram = async (data: LaneData, runners) => {
  const { functions, dev, logs } = data.program as LaneProgramData
  const writer = createWriter(process.stdout, logs === 'json' ? formatJson : formatText)
  const inFlight = new InFlight()
  const gateway = createGateway({
    functions: hostFunctions(functions, runners),
    dev,
    inFlight,
    invocations: { observe: writer.observe, reports: dev || logs === 'json' ? 'all' : 'failures', now: Date.now },
  })
  const listener = await listen(gateway, { host: data.host, port: data.port, reusePort: data.reusePort, inFlight })
  return {
    port: listener.port,
    async stop(graceMs) {
      await listener.stop(graceMs)
      await writer.flush()
    },
  }
}

/** The functions of a lane, each with whichever runner it has when it is used: a deployment puts another in its place. */
export function hostFunctions(
  functions: readonly FunctionSettings[],
  runners: Parameters<LaneProgram>[1],
): ReadonlyMap<string, HostedFunction> {
  const hosted = new Map<string, HostedFunction>()
  for (const settings of functions) {
    hosted.set(settings.name, {
      settings,
      get runner() {
        const runner = runners.get(settings.name)
        if (runner === undefined) throw new AmpouleError('Internal', `the lane has no runner for ${settings.name}`)
        return runner
      },
    })
  }
  return hosted
}
