import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { request, type Agent } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { NODE_FLAGS } from '../bin/node.mjs'

const onPath = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined

/** The measured process gets the first core, whatever makes the load the second. */
export const pinned = (core: number, command: readonly string[]): string[] =>
  onPath('taskset') ? ['taskset', '-c', String(core), ...command] : [...command]

export const generator: 'wrk' | 'autocannon' = onPath('wrk') ? 'wrk' : 'autocannon'

export const CONNECTIONS = 32

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface Served {
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** Starts a server on the measured core and waits until it answers a POST to `url`. */
export async function serve(command: readonly string[], url: string, body: string): Promise<Served> {
  const [program, ...args] = pinned(0, command)
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'ignore'], detached: true })
  const deadline = performance.now() + 120_000
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended with code ${child.exitCode}`)
    if (performance.now() > deadline) throw new Error(`${command.join(' ')} does not answer`)
    try {
      const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(20_000) })
      const answer = await response.text()
      if (response.ok && answer === body) break
      throw new Error(`${url} answered ${response.status} ${answer}`)
    } catch (error) {
      if (error instanceof Error && error.message.includes('answered')) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return {
    child,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      // A server that starts others is ended with them.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
  }
}

export const node = (script: string, ...args: string[]): string[] => [process.execPath, ...NODE_FLAGS, script, ...args]

/** Requests per second that `url` serves to a POST of `body`, over `seconds`. Throws when answers fail. */
export async function load(url: string, body: string, seconds: number): Promise<number> {
  if (generator === 'autocannon') {
    const result = await autocannon({ url, connections: CONNECTIONS, duration: seconds, method: 'POST', body })
    if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx + result.errors} failures`)
    return result.requests.average
  }
  const script = join(mkdtempSync(join(tmpdir(), 'ampoule-bench-')), 'post.lua')
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\nwrk.headers["content-type"] = "application/json"\n`,
  )
  const [program, ...args] = pinned(1, ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', script, url])
  const output = execFileSync(program!, args, { encoding: 'utf8' })
  const failures = /Non-2xx or 3xx responses: (\d+)/.exec(output)
  if (failures !== null) throw new Error(`${url}: ${failures[1]} failures`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1])
}

/** One POST of JSON by the plain client, whose own time is small; throws unless the answer is the same body. */
export function post(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (response) => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (answer += text))
      response.on('end', () => {
        if (response.statusCode === 200 && answer === body) resolve()
        else reject(new Error(`${url} answered ${response.statusCode} ${answer}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
