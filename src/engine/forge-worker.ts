import { parentPort, workerData } from 'node:worker_threads'
import { AmpouleError } from '../errors.ts'
import type { ForgeJob, ForgeResult } from './lane-messages.ts'
import { engineParts } from './parts.ts'
import { prepareFunction } from './prepare.ts'

// The thread in which artifacts are compiled and initialised, so that no lane stands still for it.
const port = parentPort
if (port === null) throw new Error('forge-worker.ts is the entry of a worker thread')
const parts = engineParts((workerData as { restore: 'copy' | 'dirty-pages' }).restore)

/** Compiled modules by hash, as long as some lane uses them. */
const compiled = new Map<string, WeakRef<WebAssembly.Module>>()

/** Handing a small module to V8's own threads and back takes longer than compiling it; this thread serves no one. */
const SMALL_MODULE_BYTES = 256 * 1024
const compile = async (bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> =>
  bytes.length <= SMALL_MODULE_BYTES ? new WebAssembly.Module(bytes) : WebAssembly.compile(bytes)

async function prepare({ id, artifact, spec }: ForgeJob): Promise<ForgeResult> {
  const modules: WebAssembly.Module[] = []
  for (const { hash, bytes } of artifact.modules) {
    const module = compiled.get(hash)?.deref() ?? (bytes === undefined ? undefined : await compile(bytes))
    if (module === undefined) return { id, kind: 'incomplete' }
    compiled.set(hash, new WeakRef(module))
    modules.push(module)
  }
  return { id, kind: 'prepared', material: await prepareFunction(artifact, modules, spec, parts) }
}

port.on('message', (job: ForgeJob) => {
  prepare(job).then(
    (result) => port.postMessage(result),
    (error: unknown) => {
      const { code, message } = error instanceof AmpouleError ? error : new AmpouleError('Internal', String(error))
      port.postMessage({ id: job.id, kind: 'failed', code, message } satisfies ForgeResult)
    },
  )
})
