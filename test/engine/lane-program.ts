import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { threadId } from 'node:worker_threads'
import type { InvocationContext, LaneProgram } from '../../src/engine/contract.ts'
import { Runner } from '../../src/engine/runner.ts'
import { AmpouleError } from '../../src/errors.ts'

/** What a test can ask a lane to do to itself. */
const MISDEEDS: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(3),
  throw: () =>
    void setImmediate(() => {
      throw new Error('a mistake of the host')
    }),
  reject: () => void Promise.reject(new Error('nobody waits for this')),
  sleep: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  spin: () => {
    for (;;);
  },
}

/**
 * Serves runners over HTTP, as little as tests need. Every answer names its lane's thread.
 *
 * - `POST /invoke/NAME?times=N`: the body is the event; the outcomes, one per line
 * - `GET /pools`: `NAME SIZE IDLE` per line
 * - `GET /begun`: how many invocations this lane has begun
 * - `GET /do/MISDEED`: no answer
 * - `POST /ask`: what the main thread answers to the body, or its error
 * - `GET /told`: the last that the main thread has told
 *
 * A lane that is given `hang` as its program never comes to listen.
 */
export const startLane: LaneProgram = async ({ host, port, reusePort, program }, runners, supervisor) => {
  if (program === 'hang') MISDEEDS['spin']!()
  let begun = 0
  let told: unknown
  let isStopping = false
  const invoke = async (name: string, event: Uint8Array, context: InvocationContext): Promise<string> => {
    const runner = runners.get(name)
    if (runner === undefined) return 'FunctionNotFound'
    try {
      const invocation = runner.invokeEvent(event, context)
      begun++
      const { payload, report } = await invocation
      return `${report.fresh ? 'fresh' : 'ok'} ${Buffer.from(payload).toString('latin1')}`
    } catch (error) {
      return error instanceof AmpouleError ? error.code : String(error)
    }
  }
  const answer = async (request: IncomingMessage): Promise<string> => {
    const url = new URL(request.url ?? '/', 'http://lane')
    const [, kind = '', name = ''] = url.pathname.split('/')
    if (kind === 'do') MISDEEDS[name]?.()
    if (kind === 'begun') return String(begun)
    if (kind === 'told') return String(told)
    if (kind === 'ask')
      return supervisor.ask((await buffer(request)).toString()).then(String, (error: unknown) => `refused: ${String(error)}`)
    if (kind === 'pools')
      return [...runners].map(([fn, runner]) => `${fn} ${runner instanceof Runner ? runner.pool.size : 0}`).join('\n')
    const event = await buffer(request)
    const context: InvocationContext = { requestId: 'test', signal: new AbortController().signal, log: () => undefined }
    const times = Number(url.searchParams.get('times') ?? 1)
    return (await Promise.all(Array.from({ length: times }, () => invoke(name, event, context)))).join('\n')
  }
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    response.on('close', () => isStopping && setImmediate(() => server.closeIdleConnections()))
    answer(request).then(
      (text) => response.writeHead(200, { 'x-lane': threadId }).end(text, 'latin1'),
      (error: unknown) => response.writeHead(500, { 'x-lane': threadId }).end(String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, reusePort }, resolve)
  })
  return {
    port,
    told: (message) => (told = message),
    stop: () =>
      new Promise((resolve) => {
        isStopping = true
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}
