import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../../bin/node.mjs'
import { guest } from '../guests/index.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const DEADLINE_MS = 60_000

export interface Surroundings {
  readonly stdin?: string
  readonly cwd?: string
  /** Beside the variables of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** It is killed then; milliseconds, 60,000 when left out. */
  readonly deadlineMs?: number
}

/** The command line as a process of its own. */
export class Ampoule {
  readonly process: ChildProcess
  readonly exited: Promise<number | null>
  stdout = ''
  stderr = ''
  readonly #checks = new Set<() => void>()

  constructor(args: readonly string[], { stdin = '', cwd, env, deadlineMs = DEADLINE_MS }: Surroundings = {}) {
    this.process = spawn(process.execPath, [...NODE_FLAGS, MAIN, ...args], {
      stdio: 'pipe',
      cwd,
      env: { ...process.env, ...env },
    })
    const timer = setTimeout(() => this.process.kill('SIGKILL'), deadlineMs)
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      for (const check of this.#checks) check()
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      for (const check of this.#checks) check()
    })
    this.process.stdin?.on('error', () => undefined)
    this.process.stdin?.end(stdin)
    this.exited = new Promise((resolve) =>
      this.process.once('close', (code) => {
        clearTimeout(timer)
        resolve(code)
        for (const check of this.#checks) check()
      }),
    )
  }

  /** The first match on standard error; rejects when the process ends without one. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = pattern.exec(this.stderr)
        if (found !== null) resolve(found)
        else if (this.process.exitCode !== null) reject(new Error(`ended with code ${this.process.exitCode}\n${this.stderr}`))
        else return
        this.#checks.delete(check)
      }
      this.#checks.add(check)
      check()
    })
  }
}

export async function run(
  args: readonly string[],
  surroundings?: Surroundings,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const ampoule = new Ampoule(args, surroundings)
  const code = await ampoule.exited
  return { code, stdout: ampoule.stdout, stderr: ampoule.stderr }
}

/** A folder with an `ampoule.jsonc` and the components `echo.wasm` and `hostile.wasm`. */
export async function project(
  configuration: object | string,
): Promise<{ readonly config: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-cli-'))
  for (const name of ['echo', 'hostile'] as const) await writeFile(join(folder, `${name}.wasm`), await guest(name))
  const config = join(folder, 'ampoule.jsonc')
  await writeFile(config, typeof configuration === 'string' ? configuration : JSON.stringify(configuration))
  return { config, remove: () => rm(folder, { recursive: true, force: true }) }
}
