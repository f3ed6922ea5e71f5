import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CACHE } from '../guests/cache.ts'
import { parseTranscript, pattern, type Fence, type Step } from './fences.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BIN = join(ROOT, 'bin/ampoule.mjs')
/** The first start after a change of our runtime builds an engine. */
const WAIT_MS = 120_000
/** What pages call it; tests listen on a port that is free. */
const ADDRESS = 'http://127.0.0.1:8080'
const MANAGEMENT_ADDRESS = 'http://127.0.0.1:9000'
const BUILT = fileURLToPath(new URL('docs/', CACHE))
const INSTALLED = ['vitest', 'typescript', 'hono', 'fast-png']

/**
 * A reader who copies a page into a terminal, in an empty folder. `npm install` is not run: the packages stand for the sources
 * of this repository, because a version that is being written is in no registry (test/packages installs what is packed).
 */
export class Reader {
  readonly #home: string
  #folder: string
  #server: Server | undefined

  static async start(): Promise<Reader> {
    const home = await mkdtemp(join(tmpdir(), 'ampoule-docs-'))
    const reader = new Reader(home)
    await mkdir(reader.#folder)
    // What is built is named by its content: the one component of these pages need not be built in every run.
    await mkdir(BUILT, { recursive: true })
    await symlink(BUILT, join(reader.#folder, '.ampoule'))
    await reader.#shim('ampoule', `exec "${process.execPath}" "${BIN}" "$@"`)
    await reader.#shim('npx', 'exec "$@"')
    // On a terminal curl shows no progress of what it prints there.
    await writeFile(join(home, '.curlrc'), 'silent\nshow-error\n')
    return reader
  }

  private constructor(home: string) {
    this.#home = home
    this.#folder = join(home, 'work')
  }

  async follow({ mark, text }: Fence): Promise<void> {
    if (mark?.kind === 'file' || mark?.kind === 'save') await this.write(mark.path, text)
    if (mark?.kind === 'log') await this.#running().says(text)
    if (mark?.kind === 'run') for (const step of parseTranscript(text)) await this.#do(step)
  }

  /** `path` is relative to the folder that the reader is in. */
  async write(path: string, text: string): Promise<void> {
    const target = join(this.#folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, text)
  }

  async close(): Promise<void> {
    await this.#server?.stop()
    await rm(this.#home, { recursive: true, force: true })
  }

  async #do({ command, expected }: Step): Promise<void> {
    const [, folder] = /^cd (\S+)$/.exec(command) ?? []
    if (folder !== undefined) {
      this.#folder = join(this.#folder, folder)
    } else if (/^npm install\b/.test(command)) {
      await this.#link()
    } else if (/^(?:npx )?ampoule (?:dev|serve)(?: --data \S+)?$/.test(command)) {
      await this.#server?.stop()
      this.#server = new Server(command.replace(/^.*ampoule /, '').split(' '), this.#folder)
      await this.#server.listening()
      await this.#server.says(expected)
    } else {
      const output = await this.#shell(command)
      const seen = this.#asWritten(output).trimEnd()
      if (!new RegExp(`^${pattern(expected).source}$`).test(seen))
        throw new Error(`$ ${command}\nprints\n${seen}\nnot\n${expected}\n\nthe server:\n${this.#server?.output ?? ''}`)
    }
  }

  async #shell(command: string): Promise<string> {
    const url = this.#server?.url ?? ADDRESS
    const toDev = /^(?:npx )?ampoule dev (?:queue|stream|cron) /.test(command) ? ` --port ${new URL(url).port}` : ''
    const script = command.replaceAll(ADDRESS, url) + toDev
    const PATH = [join(this.#home, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter)
    const env = { ...process.env, PATH, CURL_HOME: this.#home, NO_COLOR: '1', AMPOULE_ENDPOINT: this.#server?.managementUrl }
    // Vitest tells its children that they are part of its run.
    for (const name of Object.keys(env))
      if (name.startsWith('VITEST') || name === 'NODE_OPTIONS') Reflect.deleteProperty(env, name)
    return await new Promise((resolve) => {
      execFile('sh', ['-c', `{ ${script}\n} 2>&1`], { cwd: this.#folder, env, timeout: WAIT_MS }, (_, stdout) => resolve(stdout))
    })
  }

  #asWritten(output: string): string {
    const url = this.#server?.url
    const text = output.replaceAll('\r\n', '\n').replaceAll(/[ \t]+$/gm, '')
    return url === undefined ? text : text.replaceAll(url, ADDRESS).replaceAll(new URL(url).host, new URL(ADDRESS).host)
  }

  #running(): Server {
    if (this.#server === undefined) throw new Error('nothing is running yet that could say this')
    return this.#server
  }

  async #link(): Promise<void> {
    const modules = join(this.#folder, 'node_modules')
    const from = (path: string): string => `export * from ${JSON.stringify(pathToFileURL(join(ROOT, path)).href)}\n`
    await this.#package('ampoule', { testing: from('src/testing/index.ts') })
    // Only tests of functions import this; the bundler knows where the rest of the package is.
    await this.#package('@ampoule/guest', { testing: "export * from 'ampoule/testing'\n" })
    for (const name of INSTALLED) await symlink(join(ROOT, 'node_modules', name), join(modules, name))
  }

  async #package(name: string, entries: Readonly<Record<string, string>>): Promise<void> {
    const folder = `node_modules/${name}`
    const exports = Object.fromEntries(Object.keys(entries).map((entry) => [`./${entry}`, `./${entry}.js`]))
    await this.write(`${folder}/package.json`, JSON.stringify({ name, type: 'module', exports }))
    for (const [entry, code] of Object.entries(entries)) await this.write(`${folder}/${entry}.js`, code)
  }

  async #shim(name: string, line: string): Promise<void> {
    const path = join(this.#home, 'bin', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `#!/bin/sh\n${line}\n`)
    await chmod(path, 0o755)
  }
}

/** A command that goes on running. */
class Server {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #checks = new Set<() => void>()
  output = ''
  url = ADDRESS
  /** What has been waited for lies before this place of the output. */
  #seen = 0

  constructor(command: readonly string[], cwd: string) {
    const ports = ['--port', '0', ...(command.includes('--data') ? ['--management-port', '0'] : [])]
    this.#process = spawn(process.execPath, [BIN, ...command, ...ports], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const check = (): void => {
      for (const one of this.#checks) one()
    }
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        check()
      })
    this.#ended = new Promise((resolve) => this.#process.once('close', resolve)).finally(check)
  }

  async listening(): Promise<void> {
    const [, url] = await this.#until(() => /(http:\/\/127\.0\.0\.1:\d+)\s/.exec(this.output), 'an address')
    this.url = url ?? ''
  }

  get managementUrl(): string {
    return /managing functions at (http:\S+)/.exec(this.output)?.[1] ?? MANAGEMENT_ADDRESS
  }

  /** Each line in turn, others may be between them. */
  async says(expected: string): Promise<void> {
    for (const line of expected.split('\n').filter((line) => line.trim() !== '')) {
      const wanted = new RegExp(pattern(line.trim().replaceAll(ADDRESS, this.url)).source.replaceAll('[^]', '.'))
      const found = await this.#until(() => wanted.exec(this.output.slice(this.#seen)), line)
      this.#seen += found.index + found[0].length
    }
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGINT')
    await this.#ended
  }

  #until<T>(look: () => T | null, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const check = (): void => {
      const found = look()
      if (found !== null) resolve(found)
      else if (this.#process.exitCode !== null)
        reject(new Error(`ended with ${this.#process.exitCode} before ${what}\n${this.output}`))
    }
    const timer = setTimeout(() => reject(new Error(`did not say ${what}\n${this.output.slice(this.#seen)}`)), WAIT_MS)
    this.#checks.add(check)
    check()
    return promise.finally(() => {
      clearTimeout(timer)
      this.#checks.delete(check)
    })
  }
}
