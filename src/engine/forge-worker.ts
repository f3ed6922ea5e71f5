import { parentPort, workerData } from 'node:worker_threads'
import { AmpouleError } from '../errors.ts'
import type { ForgeJob, ForgeResult } from './lane-messages.ts'
import { engineParts } from './parts.ts'
import { prepareFunction } from './prepare.ts'

// The thread in which artifacts are compiled and initialised, so that no lane stands still for it.
const port = parentPort
if (port === null) throw new Error('forge-worker.ts is the entry of a worker thread')
const parts = engineParts((workerData as { restore: 'copy' | 'dirty-pages' }).restore)

port.on('message', (job: ForgeJob) => {
  prepareFunction(job.artifact, job.spec, parts).then(
    (material) => port.postMessage({ id: job.id, material } satisfies ForgeResult),
    (error: unknown) => {
      const { code, message } = error instanceof AmpouleError ? error : new AmpouleError('Internal', String(error))
      port.postMessage({ id: job.id, code, message } satisfies ForgeResult)
    },
  )
})
