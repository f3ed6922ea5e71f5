import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { relativeMap } from '../../src/build/bundle.ts'
import type { JavaScriptEngine } from '../../src/build/contract.ts'
import { engineArtifact } from '../../src/build/engine-artifact.ts'
import { BuildError } from '../../src/build/error.ts'
import { buildScript } from '../../src/build/script.ts'
import { explainTopLevel } from '../../src/build/top-level.ts'
import { scriptArtifact } from '../../src/component/artifact.ts'
import type { FunctionSpec } from '../../src/engine/contract.ts'
import { SharedCounts, type CounterIndex } from '../../src/engine/counts.ts'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { GuestFailure } from '../../src/engine/failure.ts'
import { engineParts } from '../../src/engine/parts.ts'
import type { Material } from '../../src/engine/prepare.ts'
import type { RestoreChoice } from '../../src/engine/restore/index.ts'
import { Runner } from '../../src/engine/runner.ts'
import { ScriptEngines, TopLevelFailure } from '../../src/engine/script.ts'
import { SliceScheduler } from '../../src/engine/slices.ts'
import { releaseSnapshot } from '../../src/engine/snapshot.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'

export type Files = Readonly<Record<string, string>> & { readonly 'index.ts': string }

/** A function that was made of a script, in this thread. Every restore is verified in full. */
export interface ScriptFunction {
  readonly material: Material
  /** The payload that `handler` answers to an `invoke` event. */
  invoke(payload?: unknown): Promise<unknown>
  /** What the guest tells of the exception that `handler` ends with. */
  fail(payload?: unknown): Promise<{ readonly name: string; readonly message: string; readonly stack: string }>
}

/** A lane for scripts of one engine. Top levels are ended after a second. */
export class ScriptLane {
  readonly #engine: JavaScriptEngine
  readonly #restore: RestoreChoice
  readonly #engines: ScriptEngines
  readonly #counts = new SharedCounts(1, 0)
  readonly #runners: Runner[] = []
  readonly #materials: Material[] = []
  #folder = ''
  #projects = 0

  constructor(engine: JavaScriptEngine, restore: RestoreChoice = 'auto') {
    this.#engine = engine
    this.#restore = restore
    this.#engines = new ScriptEngines(engineParts(restore), { limits: { timeoutMs: 1_000, fuel: 100_000_000_000n } })
  }

  async open(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'ampoule-test-script-'))
    const artifact = await engineArtifact(this.#engine)
    const modules = await Promise.all(artifact.modules.map(({ bytes }) => WebAssembly.compile(bytes)))
    await this.#engines.add(artifact.id, artifact, modules)
  }

  /** The module's path. */
  async write(files: Files): Promise<string> {
    const root = join(this.#folder, `project${this.#projects++}`)
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true })
      await writeFile(join(root, name), text)
    }
    return join(root, 'index.ts')
  }

  async deploy(files: Files | string, options: Partial<Pick<FunctionSpec, 'variables'>> = {}): Promise<ScriptFunction> {
    const entry = await this.write(typeof files === 'string' ? { 'index.ts': files } : files)
    const { code, map } = await buildScript({ entry, engine: this.#engine })
    const sourceMapPath = join(dirname(entry), 'index.js.map')
    await writeFile(sourceMapPath, JSON.stringify(relativeMap(map, entry)))
    const { script } = scriptArtifact(await engineArtifact(this.#engine), Buffer.from(code))
    if (script === undefined) throw new Error('the artifact has no script')
    const spec = { ...SPEC, ...options }
    const material = await this.#engines.load(script, spec).catch(async (error: unknown) => {
      throw error instanceof TopLevelFailure ? await explainTopLevel(error, { entry, sourceMapPath }) : error
    })
    this.#materials.push(material)
    const runner = this.#run(material, spec)
    const ask = async (payload: unknown): Promise<Uint8Array> => {
      const event = { type: 'invoke', id: 'r', fn: 'f', deadline: Date.now() + 1_000, payload: payload ?? null }
      const context = { requestId: 'r', signal: new AbortController().signal, log: () => {} }
      return (await runner.invokeEvent(encodeEnvelope(event, null), context)).payload
    }
    return {
      material,
      invoke: async (payload) => Reflect.get(decodeEnvelope(await ask(payload)).head, 'payload') as unknown,
      fail: (payload) =>
        ask(payload).then(
          () => Promise.reject(new Error('the function answered')),
          (error: unknown) => {
            if (!(error instanceof GuestFailure)) throw error
            return decodeEnvelope(error.payload).head as Awaited<ReturnType<ScriptFunction['fail']>>
          },
        ),
    }
  }

  /** Why the deployment failed. */
  async refusal(files: Files | string): Promise<BuildError> {
    const error: unknown = await this.deploy(files).then(
      () => new Error('the function was deployed'),
      (reason: unknown) => reason,
    )
    if (error instanceof BuildError) return error
    throw error
  }

  async close(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.close()))
    const { strategy } = engineParts(this.#restore)
    for (const { snapshot } of this.#materials) if (snapshot !== undefined) releaseSnapshot(snapshot, strategy)
    await this.#engines.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #run(material: Material, spec: FunctionSpec): Runner {
    const runner = new Runner({
      spec,
      material,
      parts: engineParts(this.#restore),
      scheduler: new SliceScheduler(),
      counts: this.#counts,
      index: this.#runners.length as CounterIndex,
      minInstances: 1,
      ceilingKib: 4 * 1024 * 1024,
      verifyEvery: 1,
      requestEviction: () => undefined,
      stuck: () => undefined,
    })
    this.#runners.push(runner)
    return runner
  }
}

const SPEC: FunctionSpec = {
  name: 'f',
  limits: { memoryMb: 48, timeoutMs: 5_000, fuel: 10_000_000_000n, maxRequestBytes: 1e6, maxResponseBytes: 1e6 },
  variables: [],
  concurrency: 10,
  minInstances: 1,
  idleMs: 60_000,
}
