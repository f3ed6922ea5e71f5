import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { InvocationReport } from '../engine/contract.ts'
import { AmpouleError } from '../errors.ts'
import { didYouMean } from '../functions/suggest.ts'
import { invokeQueue, invokeScheduled, invokeStream } from '../invoke/batch.ts'
import { readQueueBatch, readScheduleTick, readStreamBatch } from '../invoke/batch-input.ts'
import { GuestError } from '../invoke/failure.ts'
import { Invocation } from '../invoke/invocation.ts'
import { senderOf } from '../invoke/sent.ts'
import { invokeValue, runHttp, wayFor, type HostedFunction } from '../invoke/invoke.ts'
import { formatText } from '../observe/format.ts'
import { LogFrames } from '../observe/log-frames.ts'
import { formatGuestError } from '../observe/terminal.ts'
import { SourceMaps } from '../observe/source-map.ts'
import { pick } from './build.ts'
import type { Command, Input, Io } from './command.ts'
import { textOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'
import { CONFIG_OPTION, configPath } from './listen-options.ts'
import { REMOTE_OPTIONS } from './remote.ts'

export const invoke: Command = {
  name: 'invoke',
  summary: 'Run a function once, in this process or on a host, and print what it answers.',
  positionals: [{ name: 'NAME', about: 'The function; on a host also NAME:ALIAS or NAME:VERSION.', required: true }],
  options: {
    config: CONFIG_OPTION,
    data: {
      type: 'string',
      value: 'DATA',
      about: 'JSON for the function: the text itself, @FILE, or - for standard input.',
      default: 'null',
    },
    event: {
      type: 'string',
      value: 'KIND',
      about: 'What the data is: "invoke" (any value), "queue" (a list of messages), "stream" (a list of records) or "scheduled".',
      default: 'invoke',
    },
    remote: { type: 'boolean', about: 'Run it on a host: the one of --endpoint, or of the environment.' },
    log: { type: 'boolean', about: "With --remote: print the end of the invocation's log." },
    async: { type: 'boolean', about: 'With --remote: have it run later, at least once, and do not wait for an answer.' },
    endpoint: { ...REMOTE_OPTIONS.endpoint, about: `With --remote, which it stands for: ${REMOTE_OPTIONS.endpoint.about}` },
    json: { type: 'boolean', about: 'Print payload and report as one JSON object.' },
  },
  async run(input, io) {
    if (['remote', 'endpoint', 'log', 'async'].some((name) => input.values[name] !== undefined)) return runRemote(input, io)
    const [{ deployFunctions, explainDeployment, loadConfiguration }, { openLocal }] = await Promise.all([
      import('../deploy.ts'),
      import('../local.ts'),
    ])
    const kind = eventKind(textOption(input, 'event') ?? 'invoke')
    const payload = parsePayload(await readData(textOption(input, 'data') ?? 'null', io))
    const configuration = await loadConfiguration(configPath(input))
    const settings = pick(configuration.functions, input.positionals[0] ?? '')
    const [deployed] = await deployFunctions([settings], configuration, {
      onProgress: deployProgress(io, 1),
      signal: io.signal,
    }).finally(() => clearProgress(io))
    if (deployed === undefined) throw new AmpouleError('Internal', 'nothing was deployed')
    const target = await openLocal(settings, deployed).catch(async (error: unknown) => {
      throw await explainDeployment(error, [deployed])
    })
    const invocation = new Invocation(settings.name, {
      observe: (record) => record.type === 'log' && io.stderr.write(`${formatText(record)}\n`),
      reports: 'all',
      now: Date.now,
      sourceMaps: new SourceMaps(),
      logFrames: new LogFrames(),
    })
    const cancel = () => invocation.abort(new AmpouleError('Cancelled', 'interrupted'))
    io.signal.addEventListener('abort', cancel, { once: true })
    try {
      const send = senderOf(settings, (messages) => {
        for (const { queue, message } of messages) io.stderr.write(`sent to ${queue}: ${String(message['body'])}\n`)
        return Promise.resolve()
      })
      const { answer, report } = await run({ settings, runner: target.runner, send }, invocation, kind, payload)
      const shown = input.values['json'] === true ? { payload: answer, report } : (answer ?? null)
      io.stdout.write(`${JSON.stringify(shown, jsonValue, io.stdout.isTTY === true ? 2 : undefined)}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof GuestError)) throw error
      const [first = '', ...rest] = formatGuestError(error.details, { plain: io.stderr.isTTY !== true })
      io.stderr.write(`ampoule: ${[first, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')}\n`)
      return error.kind.exitCode
    } finally {
      await target.close()
    }
  },
}

/** On a host. */
async function runRemote(input: Input, io: Io): Promise<number> {
  const kind = eventKind(textOption(input, 'event') ?? 'invoke')
  if (kind !== 'invoke')
    throw new AmpouleError('InvalidRequest', `--event ${kind} is for functions in this process: a host is given values only`)
  const payload = JSON.stringify(parsePayload(await readData(textOption(input, 'data') ?? 'null', io)))
  const { invokeRemote } = await import('./invoke-remote.ts')
  return invokeRemote(payload, input, io)
}

interface Answered {
  readonly answer: unknown
  readonly report: InvocationReport | undefined
}

const KINDS = ['invoke', 'queue', 'stream', 'scheduled'] as const
type EventKind = (typeof KINDS)[number]

function eventKind(text: string): EventKind {
  const kind = KINDS.find((known) => known === text)
  if (kind === undefined)
    throw new AmpouleError(
      'InvalidRequest',
      `--event: ${JSON.stringify(text)} is none of ${KINDS.join(', ')}.${didYouMean(text, KINDS)}`,
    )
  return kind
}

/** Event functions get the event of that kind; wasi:http functions, which know no other, a POST of the JSON to `/`. */
async function run(target: HostedFunction, invocation: Invocation, kind: EventKind, payload: unknown): Promise<Answered> {
  if (kind === 'queue') return await invokeQueue(target, invocation, readQueueBatch(payload, Date.now()))
  if (kind === 'stream') return await invokeStream(target, invocation, readStreamBatch(payload, Date.now()))
  if (kind === 'scheduled') return await invokeScheduled(target, invocation, readScheduleTick(payload, Date.now()))
  if (wayFor(target) === 'event') return await invokeValue(target, invocation, payload)
  const { response, done } = await runHttp(target, invocation, {
    method: 'POST',
    scheme: 'http',
    authority: 'localhost',
    pathWithQuery: '/',
    headers: [
      ['host', 'localhost'],
      ['content-type', 'application/json'],
    ],
    body: new TextEncoder().encode(JSON.stringify(payload)),
  })
  // A Response takes statuses and streams as they are; nothing is sent anywhere.
  const body = await new Response(response.body instanceof Uint8Array ? Buffer.from(response.body) : response.body).text()
  return { answer: { status: response.status, headers: response.headers, body }, report: await done }
}

async function readData(data: string, io: Io): Promise<string> {
  if (data === '-') return (await buffer(io.stdin)).toString('utf8')
  if (!data.startsWith('@')) return data
  try {
    return await readFile(data.slice(1), 'utf8')
  } catch (error) {
    throw new AmpouleError('InvalidRequest', `--data: cannot read ${data.slice(1)}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function parsePayload(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AmpouleError('InvalidRequest', `--data is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** What JSON has no form for: binaries as base64 under a key that says so, big integers as numbers. */
function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array)
    return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  // Buffer.toJSON has run before this function sees a buffer.
  if (isBufferJson(value)) return { base64: Buffer.from(value.data).toString('base64') }
  return typeof value === 'bigint' ? Number(value) : value
}

const isBufferJson = (value: unknown): value is { readonly data: number[] } =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  value.type === 'Buffer' &&
  'data' in value &&
  Array.isArray(value.data)
