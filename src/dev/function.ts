import { dirname, isAbsolute, resolve } from 'node:path'
import { BuildError } from '../build/error.ts'
import { deployFunctions, explainDeployment, type LoadedConfiguration } from '../deploy.ts'
import type { DeployedFunction } from '../engine/contract.ts'
import type { FunctionSettings } from '../functions/settings.ts'
import { describeFailure, type DeploymentFailure } from './failure.ts'
import { hashFiles } from './inputs.ts'

/** What became of an attempt to bring a function up to date. `undefined`: a newer attempt has taken its place. */
export type Outcome =
  { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly failure: DeploymentFailure } | undefined

/** One function under development: what it is made of, what of it is served. */
export class DevFunction {
  settings: FunctionSettings
  /** With which settings the version was made that is served now; undefined: there is none. */
  served: FunctionSettings | undefined
  /** Why the newest version is not the one that is served. */
  failure: DeploymentFailure | undefined
  /** Absolute paths; a change of one of them makes a new version. */
  inputs: ReadonlySet<string>
  #hashes: ReadonlyMap<string, string> = new Map()
  #attempt: AbortController | undefined

  constructor(settings: FunctionSettings, folder: string) {
    this.settings = settings
    this.inputs = new Set([mainFile(settings, folder)])
  }

  /** Whether any of these files holds something else than when the last attempt began. */
  async hasChanged(paths: ReadonlySet<string>): Promise<boolean> {
    const own = [...paths].filter((path) => this.inputs.has(path))
    if (own.length === 0) return false
    const now = await hashFiles(own)
    return own.some((path) => now.get(path) !== this.#hashes.get(path))
  }

  /** Ends an attempt that is under way. */
  cancel(): void {
    this.#attempt?.abort()
  }

  /** Builds and deploys the function as it is on disk now. Never rejects. */
  async update(
    configuration: LoadedConfiguration,
    deploy: (fn: DeployedFunction, signal: AbortSignal) => Promise<void>,
  ): Promise<Outcome> {
    const attempt = new AbortController()
    this.#attempt = attempt
    const { settings } = this
    const { folder } = configuration
    const started = performance.now()
    // Before anything is read: what changes from now on differs from these.
    this.#hashes = await hashFiles(this.inputs)
    try {
      const [deployed] = await deployFunctions([settings], configuration, { signal: attempt.signal })
      if (deployed === undefined || attempt.signal.aborted) return undefined
      await this.#watchAlso([mainFile(settings, folder), ...deployed.inputs], true)
      await deploy(deployed, attempt.signal).catch(async (error: unknown) => {
        throw await explainDeployment(error, [deployed])
      })
      this.served = settings
      this.failure = undefined
      return { ok: true, ms: performance.now() - started }
    } catch (error) {
      if (attempt.signal.aborted) return undefined
      this.failure = describeFailure(error, folder)
      await this.#watchAlso(inputsOfFailure(error, this.failure), false)
      return { ok: false, failure: this.failure }
    }
  }

  /** Keeps what is known of files that were inputs already: they may have changed meanwhile. */
  async #watchAlso(inputs: readonly string[], instead: boolean): Promise<void> {
    const all = new Set(instead ? inputs : [...this.inputs, ...inputs])
    const known = this.#hashes
    const fresh = await hashFiles([...all].filter((path) => !known.has(path)))
    this.#hashes = new Map([...all].map((path) => [path, known.get(path) ?? fresh.get(path) ?? '']))
    this.inputs = all
  }
}

const mainFile = ({ source, component }: FunctionSettings, folder: string): string => resolve(folder, source ?? component ?? '')

/** The files that were read until then, the one that the mistake is in, and where an import that leads nowhere would be looked for. */
function inputsOfFailure(error: unknown, { file, error: { message } }: DeploymentFailure): readonly string[] {
  const read: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof BuildError) read.push(...at.inputs)
  const missing = /'(\.[^']+)'/.exec(message)?.[1]
  const wanted = file === undefined || missing === undefined ? [] : candidates(resolve(dirname(file), missing))
  return [...read.filter((path) => isAbsolute(path)), ...(file === undefined ? [] : [file]), ...wanted]
}

const EXTENSIONS = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.json', '/index.ts', '/index.js']

const candidates = (path: string): readonly string[] => EXTENSIONS.map((extension) => `${path}${extension}`)
