import { parentPort } from 'node:worker_threads'
import { AmpouleError, toMessage } from '../errors.ts'
import { encodeArtifact } from './artifact-file.ts'
import { compileModules, deriveComponent } from './artifact.ts'
import type { Derived } from './artifact.ts'
import type { CompileReply, CompileRequest } from './compile-messages.ts'

// The entry of a worker thread (store.ts): serves one component, then it is ended.

let derived: Derived | undefined

function answer(request: CompileRequest): CompileReply {
  if (request.kind === 'derive') {
    derived = deriveComponent(request.component, request.maxComponentBytes)
    return { kind: 'derived', plan: derived.plan, meta: derived.meta }
  }
  if (derived === undefined) throw new AmpouleError('Internal', 'compile was asked for before derive')
  const { plan, meta, modules } = derived
  const artifact = { id: request.id, modules: compileModules(modules), plan, meta }
  return { kind: 'compiled', artifact, file: encodeArtifact(artifact) }
}

parentPort?.on('message', (request: CompileRequest) => {
  let reply: CompileReply
  try {
    reply = answer(request)
  } catch (error) {
    reply = { kind: 'failed', error: toMessage(error) }
  }
  parentPort?.postMessage(reply, reply.kind === 'compiled' ? buffers(reply) : [])
})

/** Handed over rather than copied; the file is made of the same bytes as the modules. */
function buffers({ artifact, file }: CompileReply & { kind: 'compiled' }): ArrayBuffer[] {
  const arrays = [
    ...file,
    ...artifact.modules.flatMap(({ bytes, segments }) => [bytes, ...segments.map((segment) => segment.bytes)]),
  ]
  return [...new Set(arrays.map(({ buffer }) => buffer))]
}
