import { parentPort, workerData } from 'node:worker_threads'
import { toMessage } from '../errors.ts'
import type { ForgeJob, FromForge } from './lane-messages.ts'
import { engineParts } from './parts.ts'
import { prepareFunction } from './prepare.ts'
import { ScriptEngines, TopLevelFailure } from './script.ts'

// The thread in which artifacts are compiled and initialised, so that no lane stands still for it.
const port = parentPort
if (port === null) throw new Error('forge-worker.ts is the entry of a worker thread')
const post = (message: FromForge): void => port.postMessage(message)
const parts = engineParts((workerData as { restore: 'copy' | 'dirty-pages' }).restore)
const engines = new ScriptEngines(parts, { onReady: (engine, snapshot) => post({ kind: 'engine', engine, snapshot }) })

/** Compiled modules by hash, as long as some lane uses them. */
const compiled = new Map<string, WeakRef<WebAssembly.Module>>()

/** Handing a small module to V8's own threads and back takes longer than compiling it; this thread serves no one. */
const SMALL_MODULE_BYTES = 256 * 1024
const compile = async (bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> =>
  bytes.length <= SMALL_MODULE_BYTES ? new WebAssembly.Module(bytes) : WebAssembly.compile(bytes)

async function prepare({ id, artifact, script, spec }: ForgeJob): Promise<FromForge> {
  if (script !== undefined && engines.has(script.engine))
    return { id, kind: 'prepared', material: await engines.load(script, spec) }
  const modules = artifact === undefined ? undefined : await compileAll(artifact.modules)
  if (artifact === undefined || modules === undefined) return { id, kind: 'incomplete' }
  if (script === undefined) return { id, kind: 'prepared', material: await prepareFunction(artifact, modules, spec, parts) }
  await engines.add(script.engine, artifact, modules)
  return { id, kind: 'prepared', material: await engines.load(script, spec) }
}

async function compileAll(given: NonNullable<ForgeJob['artifact']>['modules']): Promise<WebAssembly.Module[] | undefined> {
  const modules: WebAssembly.Module[] = []
  for (const { hash, bytes } of given) {
    const module = compiled.get(hash)?.deref() ?? (bytes === undefined ? undefined : await compile(bytes))
    if (module === undefined) return undefined
    compiled.set(hash, new WeakRef(module))
    modules.push(module)
  }
  return modules
}

function failure(id: number, error: unknown): FromForge {
  if (error instanceof TopLevelFailure) return { id, kind: 'top level failed', message: error.message, details: error.details }
  return { id, kind: 'failed', error: toMessage(error) }
}

port.on('message', (job: ForgeJob) => {
  prepare(job).then(post, (error: unknown) => post(failure(job.id, error)))
})
