import { availableParallelism } from 'node:os'
import { deployFunctions, explainDeployment, type DeployOptions } from './deploy.ts'
import type { LaneGroup } from './engine/contract.ts'
import { defaultCeilingMb } from './engine/ceiling.ts'
import { startLanes } from './engine/lanes.ts'
import { AmpouleError } from './errors.ts'
import { claimPort } from './gateway/claim-port.ts'
import type { LaneProgramData } from './lane.ts'
import { configurationOf, openManagement } from './management.ts'
import { formatJson, formatText } from './observe/format.ts'
import { createWriter } from './observe/writer.ts'

export { AmpouleError, ERROR_KINDS, type ErrorCode } from './errors.ts'
export { ConfigurationError, type Problem } from './functions/problems.ts'
export type { DeployProgress } from './deploy.ts'

export interface HostOptions extends DeployOptions {
  /** Path of the configuration file, `ampoule.jsonc`. */
  readonly config: string
  /** With `dataDir` the file may be missing; the host then has no functions but managed ones, and default settings. Default false. */
  readonly configOptional?: boolean
  /**
   * Folder for managed functions, instead of the configuration's `dataDir`; relative to the working directory. With one, the host has a
   * management API: AWS Lambda's. `AMPOULE_KEY` may hold the key (32 bytes in base64) that is else in `secret.key` in the folder.
   */
  readonly dataDir?: string
  /** Overrides the configuration's port of the management API; 0 takes a free one. */
  readonly managementPort?: number
  /** Overrides the configuration's concurrency of all managed functions together. */
  readonly accountConcurrency?: number
  /** Overrides the configuration's address of the management API. */
  readonly managementHost?: string
  /** Overrides the configuration's access to the management API. */
  readonly managementAccess?: 'local' | 'signed'
  /** Overrides the configuration's NATS servers. */
  readonly nats?: string
  /** Overrides the configuration's port; 0 takes a free one. */
  readonly port?: number
  /** Overrides the configuration's address. */
  readonly host?: string
  /** Overrides the configuration's number of lanes. */
  readonly lanes?: number
  /** Development: error details in answers, `server-timing`, an index at `/`, a report of every invocation. Default false. */
  readonly dev?: boolean
  /** Form of the lines on standard output. `json` also reports every invocation. Default `text`. */
  readonly logs?: 'text' | 'json'
  /** How instances are put back after an invocation. Default `auto`: dirty pages where the system can, else copies. */
  readonly restore?: 'auto' | 'copy' | 'dirty-pages'
}

export interface Host {
  readonly url: string
  readonly port: number
  /** Of the management API; undefined when there is none. */
  readonly managementUrl: string | undefined
  /** Names of what the configuration declares. */
  readonly functions: readonly string[]
  /** Stops accepting, waits up to `graceMs` (default: the configuration's drainMs) for what runs, ends the rest, ends the lanes. */
  close(graceMs?: number): Promise<void>
}

/** Every so many restores the whole state is compared with the snapshot (ISOLATION: what cannot be verified is discarded). */
const VERIFY_EVERY = 1000

/** Platforms on which several threads can listen on one port (Node: `reusePort`). */
const SHARES_PORTS: readonly string[] = ['linux', 'freebsd', 'aix', 'sunos']

/**
 * Loads the configuration, builds and compiles its functions (cached), starts the lanes; resolves when all of them listen.
 * Rejects with an `AmpouleError`: `InvalidConfiguration`, `BuildFailed`, `InvalidComponent`, `AddressInUse`.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { dev = false, logs = 'text' } = options
  const configuration = await configurationOf(options)
  const address = options.host ?? configuration.host.host
  const lanes = laneCount(options.lanes ?? configuration.host.lanes)
  // Before anything is built: a busy port should not take minutes to be noticed.
  const port = await claimPort(address, options.port ?? configuration.host.port)
  const writer = createWriter(process.stdout, logs === 'json' ? formatJson : formatText)
  const management = await openManagement(options, configuration, writer.observe, port)
  try {
    const functions = await deployFunctions(configuration.functions, configuration, options)
    options.signal?.throwIfAborted()
    const group: LaneGroup = await startLanes({
      lanes,
      program: new URL('./lane.ts', import.meta.url),
      data: {
        host: address,
        port,
        reusePort: lanes > 1,
        program: {
          functions: configuration.functions,
          dev,
          logs,
          ...(management !== undefined && { management: management.listen }),
        } satisfies LaneProgramData,
      },
      functions,
      memoryCeilingMb: configuration.host.memoryCeilingMb ?? defaultCeilingMb(),
      restore: options.restore ?? 'auto',
      verifyEvery: VERIFY_EVERY,
      ...(management !== undefined && {
        answer: (question, asker) => management.answer(question, asker),
        died: (asker) => management.died(asker),
      }),
      onLaneFailure: (error) =>
        writer.observe({
          type: 'host',
          time: Date.now(),
          level: 'error',
          message: `a lane ended and is being replaced: ${error.message}`,
        }),
    }).catch(async (error: unknown) => {
      throw await explainDeployment(error, functions)
    })
    await management?.start(group)
    const close = async (graceMs: number): Promise<void> => {
      management?.drain()
      // In this order: what lanes are still asked for is finished, and what is finished can still be stored.
      await group.stop(graceMs)
      await management?.close()
      await writer.flush()
    }
    let closed: Promise<void> | undefined
    return {
      url: urlOf(address, port),
      port,
      managementUrl: management === undefined ? undefined : urlOf(management.listen.host, management.listen.port),
      functions: configuration.functions.map(({ name }) => name),
      close: (graceMs = configuration.host.drainMs) => (closed ??= close(graceMs)),
    }
  } catch (error) {
    await management?.close()
    throw error
  }
}

const urlOf = (host: string, port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`

function laneCount(wanted: number | undefined): number {
  if (SHARES_PORTS.includes(process.platform)) return wanted ?? availableParallelism()
  if (wanted === undefined || wanted === 1) return 1
  throw new AmpouleError(
    'InvalidConfiguration',
    `lanes is ${wanted}: on ${process.platform} only one thread can listen on a port, so it must be 1`,
  )
}
