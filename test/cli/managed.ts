import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { HostOptions } from '../../src/host.ts'
import { startManaged, type ManagedHost } from '../gateway/management/host.ts'
import { run, type Surroundings } from './ampoule.ts'

/** A host, and the command line as somebody uses it who has named that host in the environment. */
export class Managed {
  readonly host: ManagedHost
  readonly #env: Readonly<Record<string, string>>
  readonly #folders: string[] = []

  static async start(options?: Partial<HostOptions>, env: Readonly<Record<string, string>> = {}): Promise<Managed> {
    const host = await startManaged(options)
    return new Managed(host, { AMPOULE_ENDPOINT: host.host.managementUrl ?? '', ...NO_KEYS, ...env })
  }

  private constructor(host: ManagedHost, env: Readonly<Record<string, string>>) {
    this.host = host
    this.#env = env
  }

  /** Runs a command line; a text is split at its spaces. */
  async ampoule(line: string | readonly string[], surroundings: Surroundings = {}) {
    const args = typeof line === 'string' ? line.split(' ') : line
    return run(args, { ...surroundings, env: { ...this.#env, ...surroundings.env } })
  }

  /** The same, for a command that must succeed; gives its standard output. */
  async says(line: string | readonly string[], surroundings?: Surroundings): Promise<string> {
    const { code, stdout, stderr } = await this.ampoule(line, surroundings)
    if (code !== 0) throw new Error(`${String(line)} ended with ${code}\n${stderr}`)
    return stdout
  }

  /** The same with `--json`, parsed. */
  async json<T>(line: string | readonly string[], surroundings?: Surroundings): Promise<T> {
    const args = typeof line === 'string' ? line.split(' ') : line
    return JSON.parse(await this.says([...args, '--json'], surroundings)) as T
  }

  /** A folder with these files. */
  async folder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'ampoule-cli-'))
    this.#folders.push(folder)
    await save(folder, files)
    return folder
  }

  async close(): Promise<void> {
    await this.host.stop()
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

/** Whoever runs the tests may have keys of AWS, which are of no concern here. */
const NO_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' }

export async function save(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}
