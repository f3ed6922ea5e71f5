import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { unpackDebian, unpacked, which } from './unpacked.ts'

/** A server that a test has started, with a folder of its own. */
export interface TestServer {
  readonly url: string
  readonly port: number
  /** `kill -9`; its folder stays. */
  kill(): Promise<void>
  /** Starts it again on its port and folder. */
  start(): Promise<void>
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

interface Program {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
}

interface Missing {
  readonly missing: string
}

/** For the name of a test that is skipped; empty: it is there. */
export const lacking = (program: Program | Missing): string => ('missing' in program ? ` (${program.missing})` : '')

const START_MS = 20_000

/** The `nats-server` of PATH, else Debian's package, unpacked once. */
export const natsProgram = (): Program | Missing =>
  programOf('nats-server', { packages: ['nats-server'], file: 'usr/sbin/nats-server' })

/** A NATS server with JetStream. */
export const startNats = (program: Program | Missing): Promise<TestServer> =>
  startServer(program, 'nats', (port, folder) => ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)])

/** The `redis-server` of PATH, else Debian's package, unpacked once with the libraries that it needs. */
export const redisProgram = (): Program | Missing =>
  programOf('redis-server', {
    packages: ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2', 'libatomic1'],
    file: 'usr/bin/redis-server',
  })

/** A Redis that has everything on disk that it has confirmed. */
export const startRedis = (program: Program | Missing): Promise<TestServer> =>
  startServer(program, 'redis', (port, folder) =>
    `--port ${port} --bind 127.0.0.1 --dir ${folder} --appendonly yes --appendfsync always --save`.split(' ').concat(''),
  )

function programOf(
  name: string,
  { packages, file }: { readonly packages: readonly string[]; readonly file: string },
): Program | Missing {
  const path = which(name)
  if (path !== undefined) return { path, env: {} }
  const folder = unpacked(name, (draft) => unpackDebian(draft, packages))
  if (folder === undefined) return { missing: `${name} is not on PATH, and not to be had from Debian` }
  return { path: join(folder, 'root', file), env: { LD_LIBRARY_PATH: join(folder, 'root/usr/lib/x86_64-linux-gnu') } }
}

async function startServer(
  program: Program | Missing,
  scheme: string,
  args: (port: number, folder: string) => readonly string[],
): Promise<TestServer> {
  if ('missing' in program) throw new Error(program.missing)
  const { path, env } = program
  const folder = await mkdtemp(join(tmpdir(), `ampoule-${scheme}-`))
  const port = await freePort()
  let child: ChildProcess | undefined
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const start = async () => {
    child = spawn(path, args(port, folder), { stdio: ['ignore', 'ignore', 'ignore'], env: { ...process.env, ...env } })
    child.on('error', () => undefined)
    await untilOpen(port, `${path} on port ${port}`)
  }
  await start()
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    kill,
    start,
    async close() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilOpen(port: number, what: string): Promise<void> {
  const endMs = Date.now() + START_MS
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
      () => false,
    )
    socket.destroy()
    if (open) return
    if (Date.now() > endMs) throw new Error(`${what} did not start within ${START_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
