import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { JavaScriptEngine } from '../../src/build/contract.ts'
import { deployFunctions, explainDeployment, loadConfiguration } from '../../src/deploy.ts'
import { Invocation } from '../../src/invoke/invocation.ts'
import { invokeValue } from '../../src/invoke/invoke.ts'
import { LocalEngines, openLocal, type LocalFunction } from '../../src/local.ts'
import type { LogRecord } from '../../src/observe/records.ts'
import { invokeHttpEvent } from '../../src/triggers/http-invoke.ts'
import { CACHE } from '../guests/cache.ts'

const GUEST = fileURLToPath(new URL('guest.ts', import.meta.url))

interface Sent {
  readonly method?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string | Uint8Array
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** guest.ts as a function of that engine, deployed as `ampoule serve` does it, every invocation restored from its snapshot. */
export class TestFunction implements AsyncDisposable {
  readonly #local: LocalFunction
  readonly #engines: LocalEngines
  /** What the last invocation wrote. */
  lines: string[] = []

  private constructor(local: LocalFunction, engines: LocalEngines) {
    this.#local = local
    this.#engines = engines
  }

  static async open(engine: JavaScriptEngine): Promise<TestFunction> {
    const folder = new URL(`runtime-${engine}/`, CACHE)
    await mkdir(folder, { recursive: true })
    const file = fileURLToPath(new URL('ampoule.json', folder))
    const settings = { source: GUEST, engine, environment: { GREETING: 'hello' }, timeoutMs: 60_000, memoryMb: 256 }
    await writeFile(file, JSON.stringify({ functions: { guest: settings } }))
    const configuration = await loadConfiguration(file)
    const [deployed] = await deployFunctions(configuration.functions, configuration)
    const [own] = configuration.functions
    if (deployed === undefined || own === undefined) throw new Error('nothing was deployed')
    const engines = new LocalEngines()
    const local = await openLocal(own, deployed, engines).catch(async (error: unknown) => {
      throw await explainDeployment(error, [deployed])
    })
    return new TestFunction(local, engines)
  }

  async invoke(payload: unknown): Promise<unknown> {
    return (await invokeValue(this.#local, this.#invocation(), payload)).answer
  }

  async fetch(path: string, { method = 'GET', headers = [], body }: Sent = {}): Promise<Answer> {
    const bytes = body === undefined ? null : typeof body === 'string' ? new TextEncoder().encode(body) : body
    const input = { method, url: `http://localhost${path}`, headers, body: bytes }
    const { answer } = await invokeHttpEvent(this.#local, this.#invocation(), input)
    const { status, headers: list } = answer.head
    return { status, headers: pairs(list), text: new TextDecoder().decode(answer.body ?? new Uint8Array()) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local.close()
    await this.#engines.close()
  }

  #invocation(): Invocation {
    this.lines = []
    const keep = ({ stream, message }: LogRecord): void => void this.lines.push(`${stream}: ${message}`)
    return new Invocation('guest', {
      observe: (record) => record.type === 'log' && keep(record),
      reports: 'failures',
      now: Date.now,
    })
  }
}

const pairs = (list: readonly string[]): Record<string, string> =>
  Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? '']] : [])))
