import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../../bin/node.mjs'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
/** The first start after a change of our runtime builds an engine. */
const WAIT_MS = 60_000

/** `ampoule dev` as a process of its own, over a project in a temporary folder. */
export class DevSession {
  readonly folder: string
  readonly #process: ChildProcess
  readonly #exited: Promise<number | null>
  readonly #checks = new Set<() => void>()
  #output = ''
  /** What was waited for lies before this place of the output. */
  #seen = 0
  #url = ''

  static async start(files: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<DevSession> {
    const folder = await mkdtemp(join(tmpdir(), 'ampoule-dev-'))
    for (const [path, text] of Object.entries(files)) await write(join(folder, path), text)
    const session = new DevSession(folder, args)
    const [, url = ''] = await session.said(/ampoule dev +(http:\/\/\S+)/)
    session.#url = url
    return session
  }

  private constructor(folder: string, args: readonly string[]) {
    this.folder = folder
    const config = join(folder, 'ampoule.jsonc')
    this.#process = spawn(process.execPath, [...NODE_FLAGS, MAIN, 'dev', '--port', '0', '--config', config, ...args], {
      stdio: 'pipe',
      cwd: folder,
      // As on a terminal, where the bundler writes its messages in colours.
      env: { ...process.env, FORCE_COLOR: '1' },
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        for (const check of this.#checks) check()
      })
    }
    this.#exited = new Promise((resolve) =>
      this.#process.once('close', (code) => {
        resolve(code)
        for (const check of this.#checks) check()
      }),
    )
  }

  get url(): string {
    return this.#url
  }

  get output(): string {
    return this.#output
  }

  /** The first match in what has not been waited for yet. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const check = (): void => {
      const found = pattern.exec(this.#output.slice(this.#seen))
      if (found !== null) {
        this.#seen += found.index + found[0].length
        resolve(found)
      } else if (this.#process.exitCode !== null) reject(new Error(`ended with ${this.#process.exitCode}\n${this.#output}`))
    }
    const timer = setTimeout(() => reject(new Error(`no ${String(pattern)} in\n${this.#output}`)), WAIT_MS)
    this.#checks.add(check)
    check()
    return promise.finally(() => {
      clearTimeout(timer)
      this.#checks.delete(check)
    })
  }

  /** Writes a file of the project, as an editor does: in place, or beside it and renamed. */
  async save(path: string, text: string, how: 'in place' | 'renamed' = 'in place'): Promise<void> {
    const target = join(this.folder, path)
    if (how === 'in place') return await write(target, text)
    await write(`${target}.swp`, text)
    await rename(`${target}.swp`, target)
  }

  /** Saves, and waits until that is served. */
  async serve(path: string, text: string): Promise<void> {
    await this.save(path, text)
    await this.said(/(?:updated|ready) in/)
  }

  async get(
    path: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
    const response = await fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(WAIT_MS), ...init })
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
  }

  /** Ends the process as Ctrl-C does; gives its exit code. */
  async stop(): Promise<number | null> {
    this.#process.kill('SIGINT')
    const code = await this.#exited
    await rm(this.folder, { recursive: true, force: true })
    return code
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** A configuration of these functions. */
export const configuration = (functions: object, host: object = {}): string => JSON.stringify({ ...host, functions })

/** The source of a function that answers with `text`. */
export const answering = (text: string): string => `export default { fetch: () => new Response(${JSON.stringify(text)}) }\n`
