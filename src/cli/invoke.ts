import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { InvocationReport } from '../engine/contract.ts'
import { AmpouleError } from '../errors.ts'
import { GuestError } from '../invoke/failure.ts'
import { Invocation } from '../invoke/invocation.ts'
import { invokeValue, runHttp, wayFor, type HostedFunction } from '../invoke/invoke.ts'
import { formatText } from '../observe/format.ts'
import { pick } from './build.ts'
import type { Command, Io } from './command.ts'
import { textOption } from './parse.ts'
import { clearProgress, deployProgress } from './progress.ts'
import { CONFIG_OPTION } from './serve.ts'

export const invoke: Command = {
  name: 'invoke',
  summary: 'Run a function once, in this process, and print what it answers.',
  positionals: [{ name: 'NAME', about: 'The function.', required: true }],
  options: {
    config: CONFIG_OPTION,
    data: {
      type: 'string',
      value: 'DATA',
      about: 'JSON for the function: the text itself, @FILE, or - for standard input.',
      default: 'null',
    },
    json: { type: 'boolean', about: 'Print payload and report as one JSON object.' },
  },
  async run(input, io) {
    const [{ deployFunctions, loadConfiguration }, { openLocal }] = await Promise.all([
      import('../deploy.ts'),
      import('../local.ts'),
    ])
    const payload = parsePayload(await readData(textOption(input, 'data') ?? 'null', io))
    const configuration = await loadConfiguration(textOption(input, 'config') ?? 'ampoule.jsonc')
    const settings = pick(configuration.functions, input.positionals[0] ?? '')
    const [deployed] = await deployFunctions([settings], configuration, {
      onProgress: deployProgress(io, 1),
      signal: io.signal,
    }).finally(() => clearProgress(io))
    if (deployed === undefined) throw new AmpouleError('Internal', 'nothing was deployed')
    const target = await openLocal(settings, deployed)
    const invocation = new Invocation(settings.name, {
      observe: (record) => record.type === 'log' && io.stderr.write(`${formatText(record)}\n`),
      reports: 'all',
      now: Date.now,
    })
    const cancel = () => invocation.abort(new AmpouleError('Cancelled', 'interrupted'))
    io.signal.addEventListener('abort', cancel, { once: true })
    try {
      const { answer, report } = await run(target, invocation, payload)
      const shown = input.values['json'] === true ? { payload: answer, report } : (answer ?? null)
      io.stdout.write(`${JSON.stringify(shown, jsonValue, io.stdout.isTTY === true ? 2 : undefined)}\n`)
      return 0
    } catch (error) {
      if (error instanceof GuestError && error.details.stack !== '') io.stderr.write(`${error.details.stack}\n`)
      throw error
    } finally {
      await target.close()
    }
  },
}

interface Answered {
  readonly answer: unknown
  readonly report: InvocationReport | undefined
}

/** Event functions get an `invoke` event; wasi:http functions a POST of the JSON to `/`. */
async function run(target: HostedFunction, invocation: Invocation, payload: unknown): Promise<Answered> {
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
